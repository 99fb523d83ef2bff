"""What docker accepts in a Dockerfile is read as docker reads it, and no file takes long."""

import time

import pytest

from seatrial.agent.recipes.dockerfile import read_dockerfile
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.vocabulary.errors import RecipeError
from tests.recipes.files import Files


@pytest.mark.parametrize(
    ("raw", "images"),
    [
        (b"ARG V=3.12\nARG BASE=python:${V}-slim\nFROM ${BASE}\n", ["python:3.12-slim"]),
        (b"ARG A=3 B=4\nFROM a:$A\nFROM b:$B\n", ["a:3", "b:4"]),
        (b"ARG A\nARG A='5'\nFROM a:$A\n", ["a:5"]),
        (b"\xef\xbb\xbfFROM python:3\n", ["python:3"]),
        (b"# caf\xe9\nFROM python:3\n", ["python:3"]),
        (b'FROM "python:3"\n', ["python:3"]),
        (b"FROM\tpython:3\n", ["python:3"]),
        (b"from python:3 as base\nFROM base\n", ["python:3"]),
        (b"FROM --platform=$BUILDPLATFORM golang:1 AS b\nFROM scratch\nCOPY --from=b /a /a\n", ["golang:1"]),
        (b"# escape=`\nFROM python:3 `\n  AS base\nRUN dir c:\\\nFROM base\n", ["python:3"]),
        (b"FROM a\nRUN <<EOF\nfrom os import path\nFROM no\nEOF\nFROM b\n", ["a", "b"]),
        (b"FROM a\nCOPY <<-'ONE' <<TWO /x/\nFROM no\n\tONE\nFROM no\nTWO\nFROM b\n", ["a", "b"]),
        (b'FROM a\nRUN echo "a <<EOF b"\nFROM b\n', ["a", "b"]),
        (b"FROM a\nRUN x \\\n# comment\n\n  FROM no\nFROM b\n", ["a", "b"]),
    ],
)  # fmt: skip
def test_bases(raw: bytes, images: list[str]) -> None:
    assert read_dockerfile("Dockerfile", raw).external_images() == images


def test_build_arguments_win_over_defaults() -> None:
    parsed = read_dockerfile("Dockerfile", b"ARG V=1\nARG BASE=a:${V}\nFROM ${BASE}\n", {"V": "2"})
    assert parsed.external_images() == ["a:2"]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"ARG V\nFROM python:$V\n", "V has no value: write ARG V=... above the first FROM."),
        (b"FROM a\nFROM Not:a:name\n", "Write it like python:3.12-slim."),
    ],
)
def test_a_base_that_is_no_image_is_told_with_its_line(raw: bytes, told: str) -> None:
    with pytest.raises(RecipeError, match=r"Dockerfile:2: FROM: '.*' is not an image's name") as caught:
        read_dockerfile("Dockerfile", raw)
    assert str(caught.value).endswith(told)


def test_a_stage_may_be_chosen_by_the_machine() -> None:
    raw = b"FROM a AS for-amd64\nFROM b AS for-arm64\nFROM for-${TARGETARCH}\n"
    assert read_dockerfile("Dockerfile", raw).parents()[2] in {0, 1}


def test_what_a_heredoc_writes_is_not_said_by_the_dockerfile() -> None:
    parsed = read_dockerfile("Dockerfile", b"FROM a\nCOPY <<EOF /x\nEXPOSE 1\nEOF\nEXPOSE 2\n")
    assert parsed.exposed_ports() == [2]


@pytest.mark.parametrize("line", [b"x \\\n", b"RUN <<EOF\n", b"RUN <<EOF\nEOF\n", b"# x\n", b"FROM a\n"])
def test_a_bomb_is_read_in_one_pass(line: bytes) -> None:
    began = time.process_time()
    read_dockerfile("Dockerfile", b"FROM x\n" + line * (256 * 1024 // len(line)))
    assert time.process_time() - began < 20  # of the processor, a hundred times what it takes


def test_arguments_that_double_each_other_end() -> None:
    doubling = "".join(f"ARG A{n}=$A{n - 1}$A{n - 1}\n" for n in range(1, 5000))
    [image] = read_dockerfile("Dockerfile", f"ARG A0=x\n{doubling}FROM $A4999\n".encode()).external_images()
    assert len(image) == 4096


async def test_a_dockerfile_of_megabytes_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"Dockerfile:1: not a file of at most 256 KB"):
        await read_recipe(Files(Dockerfile="FROM x\n" + "#" * 300_000))


async def test_one_file_of_many_services_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    class Counting(Files):
        async def read(self, path: str, *, limit: int = 10_000_000) -> bytes | None:
            reads.append(path)
            return await super().read(path, limit=limit)

    many = "".join(f"  s{n}: {{build: .}}\n" for n in range(40))
    await read_recipe(Counting(**{"galley.yml": f"version: 1\nservices:\n{many}", "Dockerfile": "FROM x"}))
    assert reads.count("Dockerfile") == 1
