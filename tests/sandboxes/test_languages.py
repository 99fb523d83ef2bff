"""What a commit is written in, as linguist names it."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.languages import language_of_script, languages, scripts
from seatrial.agent.vocabulary.tree import Entry, Tree
from seatrial.wire.evaluations import ForgeFacts


def entry(path: str, size: int = 100, mode: str = "100644") -> Entry:
    return Entry(path, mode, "0" * 40, size)


def of(*paths: str) -> list[str]:
    return sorted(languages(entry(path) for path in paths))


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "Python"),
        ("A.PY", "Python"),
        ("a.tsx", "TypeScript"),
        ("a.ts", "TypeScript"),
        ("main.tf", "HCL"),
        ("a.sass", "Sass"),
        ("a.blade.php", "Blade"),
        ("a.rs", "Rust"),
        ("a.fs", "F#"),
        ("a.sc", "Scala"),
        ("Dockerfile", "Dockerfile"),
        ("Containerfile", "Dockerfile"),
        ("deploy/api.dockerfile", "Dockerfile"),
        ("Makefile", "Makefile"),
        ("rules.mk", "Makefile"),
        ("Rakefile", "Ruby"),
        ("CMakeLists.txt", "CMake"),
        ("a.html", "HTML"),
    ],
)
def test_a_file_is_known_by_its_name(path: str, language: str) -> None:
    assert of(path) == [language]


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "a.json",
        "a.yaml",
        "a.sql",
        "notes.txt",
        "LICENSE",
        "noextension",
        ".gitignore",
        "node_modules/a/b.js",
        "web/dist/a.js",
        "vendor/a.go",
        "third_party/a.c",
        ".venv/lib/a.py",
        "docs/conf.py",
        "jquery.min.js",
        "api/__generated__/a.ts",
        "gradlew",
    ],
)
def test_data_prose_and_what_others_wrote_do_not_count(path: str) -> None:
    assert of(path) == []


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        (["a.h"], ["C"]),
        (["a.h", "a.c"], ["C"]),
        (["a.h", "a.cpp"], ["C++"]),
        (["a.h", "a.m"], ["Objective-C"]),
        (["a.m"], ["Objective-C"]),
        (["a.m", "b.matlab"], ["MATLAB"]),
        (["a.pl"], ["Perl"]),
        (["a.pl", "b.prolog"], ["Prolog"]),
        (["a.pl", "t/a.t", "lib/A.pm"], ["Perl"]),
        (["a.ts", "b.xml"], ["TypeScript"]),
    ],
)
def test_an_ambiguous_extension_is_decided_by_the_other_files(paths: list[str], wanted: list[str]) -> None:
    assert of(*paths) == wanted
    assert of(*reversed(paths)) == wanted


def test_shares_are_of_bytes_and_the_largest_is_first() -> None:
    percents = languages([entry("a.go", 300), entry("b.py", 600), entry("c.py", 100), entry("empty.rs", 0)])
    assert list(percents.items()) == [("Python", 70.0), ("Go", 30.0)]


@pytest.mark.parametrize(
    ("line", "language"),
    [
        (b"#!/bin/sh\necho", "Shell"),
        (b"#!/usr/bin/env python3\n", "Python"),
        (b"#!/usr/bin/env -S python3.12 -u\n", "Python"),
        (b"#! /usr/bin/env LANG=C ruby\n", "Ruby"),
        (b"#!/usr/bin/perl -w", "Perl"),
        (b"#!/usr/bin/env\n", None),
        (b"#!", None),
        (b"#!/opt/unheard/of\n", None),
        (b"echo", None),
        (b"\x7fELF\x00", None),
        (b"", None),
    ],
)
def test_a_script_is_known_by_its_first_line(line: bytes, language: str | None) -> None:
    assert language_of_script(line) == language


def test_only_programs_whose_name_says_nothing_are_looked_into() -> None:
    entries = [
        entry("bin/run", mode="100755"),
        entry("bin/plain"),
        entry("bin/a.py", mode="100755"),
        entry("Makefile", mode="100755"),
        entry("vendor/bin/x", mode="100755"),
        entry("large", 1 << 20, mode="100755"),
        entry("empty", 0, mode="100755"),
    ]
    assert scripts(entries) == ["bin/run"]
    assert languages(entries, {"bin/run": b"#!/bin/bash\n"}).keys() == {"Shell", "Python", "Makefile"}
    assert len(scripts(entry(f"bin/{n}", mode="100755") for n in range(1_000))) == 200


def test_a_path_made_to_be_slow_is_not_matched_at_all() -> None:
    assert of("extjs/" * 600 + "a.py", "a.go") == ["Go"]


async def test_a_policy_learns_the_language_of_programs_without_an_extension() -> None:
    async def entries() -> list[Entry]:
        return [entry("bin/run", mode="100755"), entry("bin/link", mode="120000"), entry("LICENSE")]

    async def read_many(paths: Sequence[str], **_: Any) -> dict[str, bytes]:
        assert paths == ["bin/run"]
        return {"bin/run": b"#!/usr/bin/env python3\n"}

    tree = cast(Tree, SimpleNamespace(entries=entries, read_many=read_many))
    broker = Broker(tree, ForgeFacts())
    assert (await broker.answer(["get_languages", []]))[0] == {"Python": 100.0}
    assert await broker.has_language(["python"])
