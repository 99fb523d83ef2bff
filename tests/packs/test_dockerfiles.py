"""Reading Dockerfiles as Docker does, as far as bases go."""

import pytest

from tests.packs.trial import run

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3.11-slim",
        "from scratch\nCOPY a /",
        f"FROM python@{DIGEST}",
        "FROM registry.example:5000/team/app:1.2",
        "FROM --platform=$BUILDPLATFORM golang:1.22 AS build\nFROM build AS test\nFROM scratch\nCOPY --from=build /a /a",
        "FROM golang:1.22 as Build\nFROM BUILD",
        "ARG V=3.11\nFROM python:${V}",
        "ARG BASE=python:3.11\nARG ALL=$BASE\nFROM $ALL",
        "FROM python:${V:-3.11}",
        "FROM golang:1\nFROM scratch\nCOPY --from=0 /a /a",
        "# FROM python\nFROM \\\n  # a comment\n  python:3.11",
        "FROM a:1\nRUN <<EOF\nFROM python\nEOF\nCMD x",
        "# escape=`\nFROM `\n  a:1",
        "FROM a:1\nRUN --mount=type=bind,from=tool:2,target=/t t",
        "FROM a:1 AS build-amd64\nFROM a:1 AS build-arm64\nFROM build-${TARGETARCH}\nCOPY a /a",
        "FROM {{ base }}",
        "FROM python:{{ version }}\nFROM <%= image %>",
        "FROM a:1\nRUN echo a\n\\",
        "\\",
    ],
)
def test_pinned(text: str) -> None:
    result = run("docker-base-pinned", {"Dockerfile": text})
    assert result["passed"], result


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM python", "Dockerfile:1 builds on python without a tag"),
        ("FROM python:latest", "python:latest, which changes"),
        ("FROM registry.example:5000/team/app", "without a tag"),
        ("ARG V\nFROM python:$V", "has no default"),
        ("FROM a:1\nFROM b", "Dockerfile:2 builds on b"),
        ("FROM a:1\nCOPY --from=nginx:latest /a /a", "Dockerfile:2 builds on nginx:latest"),
        ("FROM a:1 AS x\nRUN --mount=type=bind,from=tool,target=/t t", "builds on tool"),
        ("FROM a:1\nRUN <<EOF\nx\nEOF\nFROM b", "Dockerfile:5 builds on b"),
        ("FROM a:1\nRUN cat <<-'EOF' > x && y\nx\nEOF\nFROM b", "Dockerfile:5 builds on b"),
        ("FROM a:1\nRUN echo $((1 << n)) $((1<<n))\nFROM b", "Dockerfile:3 builds on b"),
        ("FROM debian-${TARGETARCH}", "builds on debian-amd64 without a tag"),
    ],
)
def test_not_pinned(text: str, said: str) -> None:
    result = run("docker-base-pinned", {"Dockerfile": text})
    assert not result["passed"] and said in result["message"], result


def test_which_files_are_dockerfiles() -> None:
    files = {"a/api.Dockerfile": "FROM x", "Dockerfile.dev": "FROM y", "Containerfile": "FROM z"}
    others = {"Dockerfile.dockerignore": "FROM", "Dockerfile.md": "FROM x", "mydockerfile.py": "FROM x"}
    result = run("docker-base-pinned", {**files, **others})
    assert len(result["findings"]) == 3
    assert run("docker-base-pinned", others)["message"] == "No Dockerfile builds on an image."


def test_a_digest_may_be_required() -> None:
    assert not run("docker-base-pinned", {"Dockerfile": "FROM a:1"}, require_digest=True)["passed"]
    assert run("docker-base-pinned", {"Dockerfile": f"FROM a:1@{DIGEST}"}, require_digest=True)["passed"]
