"""The fact `runtimes`: versions that a commit names, beside the ends of their support."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.write_lifetimes import PRODUCTS
from seatrial.agent.sandboxes.facts import lifetimes
from seatrial.agent.sandboxes.facts.dockerfile import read as read_dockerfile
from seatrial.agent.sandboxes.facts.licences import read as read_licence
from seatrial.agent.sandboxes.facts.runtimes import FILES, IMAGES, LONG_TERM, TOOLS, WORKFLOW, read
from seatrial.agent.sandboxes.literals import Literals
from tests.repositories import repository


def named(path: str, text: str) -> list[tuple[str, str, int | None]]:
    return [(one["product"], one["cycle"], one["line"]) for one in read(path, text)]


@pytest.mark.parametrize(("path", "text", "said"), [
    ("Dockerfile", "ARG V=3.9\nFROM docker.example/library/python:${V}-slim-buster", [("python", "3.9", 2), ("debian", "10", 2)]),
    ("Dockerfile", "FROM node:20.11-alpine3.18 AS b\nFROM b\nCOPY --from=golang:1.22 /a /b", [("nodejs", "20", 1), ("alpine-linux", "3.18", 1), ("go", "1.22", 3)]),
    ("Containerfile", "FROM debian:bookworm-slim\nFROM ubuntu:jammy\nFROM ubuntu:22.04", [("debian", "12", 1), ("ubuntu", "22.04", 2), ("ubuntu", "22.04", 3)]),
    ("Dockerfile", "FROM mcr.example/dotnet/aspnet:6.0\nFROM python:latest\nFROM x/app:3\nFROM python:$V", [("dotnet", "6", 1)]),
    ("compose.yaml", "services:\n  db:\n    image: 'postgres:11-bullseye'  # old\n  q:\n    image: rabbitmq:3.8-management\n", [("postgresql", "11", 3), ("debian", "11", 3), ("rabbitmq", "3.8", 5)]),
    (".python-version", "# ours\n3.8.1\npypy3.9\n3.12\n", [("python", "3.8", 2), ("python", "3.12", 4)]),
    (".nvmrc", "lts/gallium\n", [("nodejs", "16", 1)]), (".nvmrc", "lts/*\n", []), ("a/.node-version", "v18.1.0", [("nodejs", "18", 1)]),
    (".tool-versions", "nodejs 14.2 16.1 # two\nunknown 3\npython 3.9.0\n", [("nodejs", "14", 1), ("nodejs", "16", 1), ("python", "3.9", 3)]),
    ("mise.toml", "[tools]\nruby = '3.0'\npython = ['3.8', '3.9']\ngo = {version = '1.20'}\n", [("ruby", "3.0", 2), ("python", "3.8", 3), ("python", "3.9", 3), ("go", "1.20", 4)]),
    ("runtime.txt", "python-3.7.4\n", [("python", "3.7", 1)]), ("runtime.txt", "17\n", []),
    ("global.json", '{"sdk": {\n"version": "6.0.100"}}', [("dotnet", "6", 2)]),
    ("pyproject.toml", "[project]\nname = 'python'\nrequires-python = '>=3.8,<4'\n", [("python", "3.8", 3)]),
    ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.9 || ~3.7'\n", [("python", "3.7", 2)]),
    ("setup.cfg", "[options]\npython_requires = >=3.6\n", [("python", "3.6", 2)]), ("Pipfile", '[requires]\npython_version = "3.9"\n', [("python", "3.9", 2)]),
    ("package.json", '{"engines": {\n"node": "^16.13 || >=18"},\n"volta": {\n"node": "14.1.0"}}', [("nodejs", "16", 2), ("nodejs", "14", 4)]),
    ("package.json", '{"engines": {"node": "<21"}}', []), ("package.json", '{"engines": 1}', []), ("package.json", "[", []),
    ("composer.json", '{"require": {\n"php": "^7.4|^8.0"}}', [("php", "7.4", 2)]), ("Gemfile", "source 'x'\nruby '2.7.1'\n", [("ruby", "2.7", 2)]),
    ("go.mod", "module a\ngo 1.20\ntoolchain go1.22.1\n", [("go", "1.22", 3)]), ("go.mod", "module a\n\ngo 1.20\n", [("go", "1.20", 3)]),
    (".github/workflows/a.yml", "jobs:\n  a:\n    strategy:\n      matrix:\n        python-version: ['3.8', pypy3.9,\n          '3.13']\n    container:\n      image: node:12\n    steps:\n      - with:\n          node-version: lts/iron\n      - with:\n          go-version: ${{ x }}\n",
     [("python", "3.8", 5), ("python", "3.13", 6), ("nodejs", "20", 11), ("nodejs", "12", 8)]),
    (".github/workflows/a.yml", "jobs:\n  a:\n    strategy:\n      matrix:\n        python: ['3.7', '3.13']\n        include:\n        - node: 12\n    steps:\n    - with: {python: 3.5}\n",
     [("python", "3.7", 5), ("python", "3.13", 5), ("nodejs", "12", 7)]),
    (".gitlab-ci.yml", "test:\n  image: ruby:2.6\n", [("ruby", "2.6", 2)]),
    (".python-version", "3.99\n", [("python", "", 1)]),
])  # fmt: skip
def test_versions_are_found_where_people_write_them(
    path: str, text: str, said: list[tuple[str, str, int | None]]
) -> None:
    assert named(path, text) == said


def test_each_is_beside_the_end_of_its_support() -> None:
    [one] = read("Dockerfile", "FROM python:3.9")
    assert (one["title"], one["version"], one["ends"], one["kind"]) == (
        "Python",
        "3.9",
        "2025-10-31",
        "image",
    )
    [debian] = read("Dockerfile", "FROM debian:12.5")
    assert debian["ends"] < debian["extended"]
    [open_end] = read("Dockerfile", "FROM python:3")  # the newest of them
    assert open_end["cycle"] == next(iter(lifetimes.data().products["python"].cycles))


@pytest.mark.parametrize("text", ["", "\0", "[" * 5000, "{" * 5000, "a: [\n", "tools = 1\nengines = 1", '{"engines": {"node": 3}}', "1" * 5000, "image: " * 900])  # fmt: skip
@pytest.mark.parametrize("path", ["Dockerfile", "mise.toml", "package.json", ".nvmrc", "go.mod", ".github/workflows/a.yml", "global.json", "compose.yml"])  # fmt: skip
def test_no_text_breaks_a_reader(path: str, text: str) -> None:
    assert isinstance(read(path, text), list)


def test_whatever_is_named_is_in_the_data() -> None:
    products = {*IMAGES.values(), *FILES.values(), *TOOLS.values(), *WORKFLOW.values()}
    known = lifetimes.data().products
    assert products <= known.keys()
    newest = 4 + 2 * (len(LONG_TERM) - 1)
    assert (
        all(str(4 + 2 * number) in known["nodejs"].cycles for number in range(len(LONG_TERM)))
        and newest == 24
    )


async def test_a_fact_names_its_source_and_its_day() -> None:
    files = {".nvmrc": "20", "web/Dockerfile": "FROM node:20", "README.md": "node 20"}
    fact, _ = await Literals({"files": files}).answer(["fact", ["runtimes"]])
    assert fact["files"] == 2 and [one["path"] for one in fact["runtimes"]] == [".nvmrc", "web/Dockerfile"]
    assert fact["version"].startswith(f"endoflife.date {lifetimes.data().date} ")


DATA = {**lifetimes.data().model_dump(mode="json"), "commit": "0" * 40, "date": "2999-01-01"}


@pytest.fixture
def _ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetimes, "_known", [lifetimes.data()])


@pytest.mark.usefixtures("_ours")
@pytest.mark.parametrize(("content", "taken"), [
    (json.dumps(DATA), True), (json.dumps({**DATA, "date": "2020-01-01"}), False), ("{", False), ("[]", False),
    (json.dumps({**DATA, "products": {**DATA["products"], "python": {"title": "Python", "cycles": {}}}}), False), ("\xe9", False),
    (json.dumps({**DATA, "products": {"python": DATA["products"]["python"]}}), False),
])  # fmt: skip
def test_an_operator_s_newer_data_is_used_and_nothing_else(
    tmp_path: Path, content: str, *, taken: bool
) -> None:
    (tmp_path / "lifetimes.json").write_text(content, encoding="latin-1")
    lifetimes.take(tmp_path)
    lifetimes.take(tmp_path / "nowhere")
    assert (lifetimes.data().commit == "0" * 40) is taken


BOMBS = (
    " " * 400_000,
    "\n" * 400_000,
    "image:" + " " * 400_000 + "!",
    "ruby" + " " * 400_000,
    "1." * 200_000,
    "python_requires" + " " * 400_000,
)


@pytest.mark.parametrize(
    "name", ["Gemfile", "setup.cfg", "setup.py", "compose.yaml", ".nvmrc", "go.mod", "runtime.txt"]
)
def test_no_text_takes_long(name: str) -> None:
    began = time.process_time()
    for text in BOMBS:
        read(name, text)
    assert time.process_time() - began < 20  # of the processor, many times what it takes


@pytest.mark.parametrize("text", [
    "FROM " + "${" * 120_000, "FROM a:1\nARG A=" + "x" * 4_000 + "\nEXPOSE " + "$A" * 60_000, "FROM a:1\nRUN --mount=from=x " + "$A" * 60_000,
    "FROM a:1\nENV " + "A=$A$A " * 20_000, "FROM a:1\n" + "FROM $A AS b\n" * 10_000,
])  # fmt: skip
def test_no_dockerfile_takes_long_or_fills_the_memory(text: str) -> None:
    began = time.process_time()
    assert len(json.dumps(read_dockerfile("Dockerfile", text))) < 3_000_000
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "words",
    ["eclipse public license", "SPDX-License-Identifier:", "may not", "all", "mozilla public license"],
)
def test_no_licence_takes_long(words: str) -> None:
    began = time.process_time()
    read_licence("LICENSE", words + " " * 190_000 + "!")
    assert time.process_time() - began < 20


PAGE = """---
title: Thing
releases:
  - releaseCycle: "9"
    codename: Bold Move
    releaseDate: 2026-01-01
    eol: 2998-12-31
    eoes: 2999-12-31
  - releaseCycle: "8"
    releaseDate: 2025-01-01
    eol: true
    latestReleaseDate: 2025-11-30
  - releaseCycle: "7"
    releaseDate: 2024-01-01
    eol: false
---

# Thing
"""


def test_newer_data_is_written_from_a_clone(tmp_path: Path) -> None:
    clone = repository(tmp_path / "clone", {f"products/{name}.md": PAGE for name in PRODUCTS})
    target = tmp_path / "lifetimes.json"
    command = [sys.executable, "-m", "scripts.write_lifetimes", str(clone), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    written = lifetimes.Lifetimes.model_validate_json(target.read_text())
    assert written.products.keys() == lifetimes.data().products.keys()
    newest, middle, oldest = written.products["python"].cycles.values()
    assert (str(newest.ends), str(newest.extended), newest.codename) == ("2998-12-31", "2999-12-31", "bold")
    assert (str(middle.ends), oldest.ends) == ("2025-11-30", None)
