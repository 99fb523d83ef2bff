"""The fact `dockerfile`: what Dockerfiles say, read as Docker reads them."""

from typing import Any

import pytest

from seatrial.agent.recipes.dockerfile_lines import instructions
from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.facts.dockerfile import MOST_INSTRUCTIONS, read
from seatrial.agent.sandboxes.literals import Literals, LiteralTree
from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.wire.evaluations import ForgeFacts

WHOLE = """\
# syntax=docker/dockerfile:1
ARG V=3.13
ARG BASE=python:${V}-slim
FROM --platform=$BUILDPLATFORM ${BASE} AS Build
ARG UID=1000
ENV WHO="$UID"
USER ${WHO}:0
EXPOSE 8000 9000-9002/udp
HEALTHCHECK CMD x
FROM build
COPY --from=registry.example:5000/tools/jq@sha256:00 /jq /
RUN --mount=type=bind,from=busybox:1,target=/b \\
    true
COPY --from=build /a /b
HEALTHCHECK NONE
"""


def one(text: str) -> dict[str, Any]:
    [found] = read("Dockerfile", text)
    return found


def test_stages_images_and_what_a_stage_leaves_to_the_next() -> None:
    found = one(WHOLE)
    first, last = found["stages"]
    assert (first["name"], first["line"], first["base"], first["from_stage"]) == (
        "Build",
        4,
        "python:3.13-slim",
        None,
    )
    assert (last["name"], last["line"], last["base"], last["from_stage"]) == (None, 10, "build", 0)
    assert found["user"] == first["user"] == last["user"] == {"user": "1000:0", "line": 7}
    assert [(port["port"], port["to"], port["protocol"]) for port in last["ports"]] == [
        (8000, 8000, "tcp"),
        (9000, 9002, "udp"),
    ]
    assert (first["healthcheck"], last["healthcheck"]) == (
        {"line": 9, "none": False},
        {"line": 15, "none": True},
    )
    assert [(image["line"], image["repository"], image["tag"], image["digest"]) for image in found["images"]] == [
        (4, "python", "3.13-slim", ""), (11, "registry.example:5000/tools/jq", "", "sha256:00"), (12, "busybox", "1", ""),
    ]  # fmt: skip
    assert not found["errors"] and last["instructions"][1]["line"] == 12


@pytest.mark.parametrize(("text", "image", "unknown"), [
    ("FROM a:${V:-1}", "a:1", []), ("ARG V\nFROM a:$V", "a:", ["V"]), ("FROM $A", "$A", ["A"]), ("FROM a:${V:+x}1", "a:1", []),
    ("ARG V=2\nFROM a:${V:+x}$V", "a:x2", []), ("ARG A=b:1\nFROM ${B:-${A}}", "b:1", []), ("ARG V=\nFROM a${V-:9}:1", "a:1", []),
    ("FROM a:1-$TARGETARCH", "a:1-amd64", []),
])  # fmt: skip
def test_arguments_have_the_values_that_the_file_gives_them(
    text: str, image: str, unknown: list[str]
) -> None:
    [found] = one(text)["images"]
    assert (found["image"], found["unknown"]) == (image, unknown)


@pytest.mark.parametrize(("text", "line", "why"), [
    ("", 1, "no FROM line"), ("RUN x\nFROM a:1", 1, "stands above"), ("FROM a:1\nFROM", 2, "names no image"),
    ("FROM a:1\n" + "RUN x\n" * MOST_INSTRUCTIONS, MOST_INSTRUCTIONS + 1, "more than 2,000 instructions"),
    ("FROM a:1\nENV A='b\n", None, None), ("FROM a:1\nUSER $\nEXPOSE ${P} x\nHEALTHCHECK\nCOPY\n", None, None),
])  # fmt: skip
def test_what_docker_would_not_take_is_an_error_with_its_line(
    text: str, line: int | None, why: str | None
) -> None:
    errors = one(text)["errors"]
    assert [error["line"] for error in errors] == ([line] if line else []) and (why or "") in str(errors)


async def test_policies_are_given_each_dockerfile_with_its_class_and_what_was_not_read() -> None:
    files = {
        "Dockerfile": "FROM a:1", "tests/Containerfile.ci": "FROM b", "api.dockerfile": {"base64": "AAAA"}, "Dockerfile.md": "FROM x",
        "Dockerfile.dockerignore": "x", "docker/web.Dockerfile": "FROM c",
    }  # fmt: skip
    answers = Literals({"files": files})
    fact, [(_, digest)] = await answers.answer(["fact", ["dockerfile"]])
    assert [(one["path"], one["class"]) for one in fact["dockerfiles"]] == [
        ("Dockerfile", "source"), ("docker/web.Dockerfile", "source"), ("tests/Containerfile.ci", "tests"),
    ]  # fmt: skip
    assert (fact["tool"], fact["files"], fact["left_out"]) == (
        "dockerfile",
        3,
        {"api.dockerfile": "a binary file"},
    )
    _, [(_, same)] = await Literals({"files": {**files, "README.md": "x"}}).answer(["fact", ["dockerfile"]])
    _, [(_, other)] = await Literals({"files": {**files, "Dockerfile": "FROM b"}}).answer(
        ["fact", ["dockerfile"]]
    )
    assert digest == same != other


@pytest.mark.parametrize(("text", "said"), [
    ("FROM a\nRUN <<EOF\nFROM b\nEOF\nCMD x", "1:FROM 2:RUN 5:CMD"),
    ("FROM a\nCOPY <<-'ONE' <<TWO /x/\nFROM no\n\tONE\nFROM no\nTWO\nUSER b", "1:FROM 2:COPY 7:USER"),
    ("# escape=`\nFROM a `\n  AS b\nRUN dir c:\\\nUSER x", "2:FROM 4:RUN 5:USER"),
    ("FROM a\nRUN x \\\n# comment\n\n  y\nUSER b", "1:FROM 2:RUN 6:USER"),
    ("\ufefffrom a\nuser\tb", "1:FROM 2:USER"),
    ("FROM a\r\nUSER b\r\n", "1:FROM 2:USER"),
    ("# syntax=x\n# escape=`\nFROM a\nUSER b", "3:FROM 4:USER"),
    ("FROM a\nRUN cat <<A <<B\n1\nA\n2\nB\nUSER b", "1:FROM 2:RUN 7:USER"),
    ("#escape=`\n\nFROM a\nUSER b `\n", "3:FROM 4:USER"),
    ("FROM a\nRUN echo \\\n\\\n a\nUSER b", "1:FROM 2:RUN 5:USER"),
    ("FROM a\nRUN echo 'a <<EOF b'\nUSER c", "1:FROM 2:RUN 3:USER"),
    ("FROM a\nRUN x <<EOF | y <<E2\nEOF\nFROM z\nE2\nUSER c", "1:FROM 2:RUN 6:USER"),
    ("FROM a\nRUN [ \"a\", \\\n \"b\" ]\nONBUILD USER b", "1:FROM 2:RUN 4:ONBUILD"),
])  # fmt: skip
def test_instructions_begin_where_docker_s_own_parser_says(text: str, said: str) -> None:
    """As the package `dockerfile` 3.4.0, which is Docker's parser, says of each."""
    assert " ".join(f"{line}:{keyword}" for line, keyword, _ in instructions(text.encode())) == said


async def test_a_name_that_is_not_utf_8_stops_nobody_who_chooses_by_pattern() -> None:
    tree = LiteralTree(
        {"d\udcff/Dockerfile": b"FROM a", "Dockerfile": b"FROM b:1", "big\udcfe/package.json": b"{}"}
    )
    broker = Broker(tree, ForgeFacts())
    fact, _ = await broker.answer(["fact", ["dockerfile"]])
    assert fact["files"] == 1 and fact["left_out"] == {"d\ufffd/Dockerfile": "its name is not UTF-8"}
    listed, _ = await broker.answer(["list_files", [["*.json"], [], []]])
    found, _ = await broker.answer(["search", ["FROM", ["Dockerfile"], [], []]])
    manifests, _ = await broker.answer(["get_manifests", []])
    assert (
        listed == ["big\udcfe/package.json"] and len(found["found"]) == 2 and len(manifests["manifests"]) == 1
    )
    with pytest.raises(Unanswerable):
        await broker.answer(["search", ["\udcff"]])
