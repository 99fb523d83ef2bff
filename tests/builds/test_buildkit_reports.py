"""What people read of a build with BuildKit, and whose fault it is that one failed."""

import base64
import json
from typing import Any

import pytest

from seatrial.agent.builds.attempts import Interrupted
from seatrial.agent.builds.buildkit.outcome import Outcome
from seatrial.agent.builds.buildkit.progress import USING_CACHE, Progress
from seatrial.agent.builds.steps import Step
from seatrial.agent.vocabulary.errors import BuildError, NoSpace

FROM, RUN, COPY = (
    Step("Dockerfile:1", "FROM x"),
    Step("Dockerfile:7", "RUN make $WHAT"),
    Step("Dockerfile:9", "COPY a /"),
)
COUNTED, LABELS = [[FROM, RUN], [COPY]], ["made", "stage-1"]


def vertex(name: str, digest: str = "1", **more: Any) -> dict[str, Any]:
    return {"vertexes": [{"digest": digest, "name": name, "started": "now", **more}]}


def printed(text: str, digest: str = "1") -> dict[str, Any]:
    return {"logs": [{"vertex": digest, "stream": 1, "data": base64.b64encode(text.encode()).decode()}]}


def told(*reports: dict[str, Any] | str, indent: int | None = 2) -> tuple[Progress, list[str]]:
    """What comes of these reports, as both kinds of buildx write them."""
    progress = Progress(COUNTED, LABELS)
    lines = []
    for report in reports:
        text = report if isinstance(report, str) else json.dumps(report, indent=indent)
        lines += [line for one in text.split("\n") for line in progress.heed(one)]
    return progress, [*lines, *progress.rest()]


@pytest.mark.parametrize("indent", [None, 2])
def test_steps_have_the_dockerfiles_own_words_and_what_they_print_stands_below_them(
    indent: int | None,
) -> None:
    _, lines = told(
        vertex("[internal] load build definition", "0"),
        vertex("[made 2/2] RUN --mount=type=secret,id=x make all"),
        printed("one\ntw"),
        vertex("[stage-1 1/1] COPY a /", "2"),
        printed("o\n"),
        vertex("[stage-1 1/1] COPY a /", "2", cached=True),
        printed("no end"),
        indent=indent,
    )
    run, copy = "[made 2/2] RUN make $WHAT", "[stage-1 1/1] COPY a /"
    assert lines == [run, "one", copy, run, "two", copy, USING_CACHE, run, "no end"]


def problem(*reports: dict[str, Any] | str, code: int = 1, out_of_memory: bool = False) -> Exception:
    return Outcome("web", code, told(*reports)[0], out_of_memory).problem()


EXITED = 'process "/bin/sh -c make" did not complete successfully: exit code: {}'


@pytest.mark.parametrize("words", [EXITED, "executor failed running [/bin/sh -c make all]: exit code: {}"])
def test_a_step_that_failed_is_named_with_its_file_line_and_what_decided(words: str) -> None:
    found = problem(
        vertex("[made 2/2] RUN make all"), printed("cc a.c\na.c:1: error: no\n"),
        vertex("[made 2/2] RUN make all", error=words.format(2)), "ERROR: failed to solve: x",
    )  # fmt: skip
    assert isinstance(found, BuildError)
    assert str(found) == (
        "web: a.c:1: error: no (Dockerfile:7: `RUN make $WHAT` failed: exit status 2). Correct the step, and push"
    )
    assert "cc a.c" in found.log_tail


def test_a_program_that_the_image_lacks_is_named() -> None:
    line = 'runc run failed: unable to start container process: exec: "nothing": executable file not found in $PATH'
    found = problem(
        vertex("[made 2/2] RUN make"),
        printed(f"{line}\n"),
        vertex("[made 2/2] RUN make", error=EXITED.format(1)),
    )
    assert str(found).startswith('web: exec: "nothing": executable file not found in $PATH (Dockerfile:7')


@pytest.mark.parametrize(
    "words",
    [
        '"/a" not found: not found',
        'failed to compute cache key: failed to calculate checksum of ref x::y: "/a": not found',
    ],
)
def test_a_file_that_is_not_there_is_named(words: str) -> None:
    found = problem(vertex("[stage-1 1/1] COPY a /", error=words))
    assert (
        str(found)
        == "web: Dockerfile:9: `COPY a /` failed: there is no a in the build's folder, or .dockerignore leaves it out"
    )


def test_the_step_that_failed_counts_and_not_those_that_were_ended_for_it() -> None:
    found = problem(
        vertex("[stage-1 1/1] COPY a /", "2", error="context canceled"),
        vertex("[made 2/2] RUN make all", error=EXITED.format(2)),
    )
    assert "Dockerfile:7" in str(found)


def test_what_no_step_is_to_blame_for_is_said_as_it_is() -> None:
    line = "ERROR: failed to solve: rpc error: code = Unknown desc = failed to solve: dockerfile parse error line 2: x"
    assert str(problem(line)) == "web: the build failed: dockerfile parse error line 2: x"
    assert str(problem()) == "web: the build failed: exit code 1"


@pytest.mark.parametrize(
    "said",
    [
        "ERROR: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
        "ERROR: failed to solve: rpc error: code = Unavailable desc = error reading from server: EOF",
        "ERROR: failed to receive status: rpc error: code = Unavailable desc = closing transport",
    ],
)
def test_a_daemon_that_goes_away_is_not_the_repositorys_fault(said: str) -> None:
    assert isinstance(problem(said), Interrupted)
    assert isinstance(problem(vertex("[made 2/2] RUN x", error="context canceled"), said), Interrupted)
    assert isinstance(problem(code=-9), Interrupted)


def test_a_full_disk_and_a_host_without_memory_are_not_either() -> None:
    full = vertex("[made 2/2] RUN x", error="failed to copy files: write /x: no space left on device")
    assert isinstance(problem(full), NoSpace)
    killed = vertex("[made 2/2] RUN x", error=EXITED.format(137))
    found = problem(killed, out_of_memory=True)
    assert isinstance(found, Interrupted) and isinstance(found.finally_, BuildError)
    assert isinstance(problem(killed), BuildError)


@pytest.mark.parametrize(
    "line", ["{", "{]", "}", "{}x}", '{"logs": [{"vertex": "1", "data": "!"}]}', '{"vertexes": null}']
)
def test_whatever_else_comes_breaks_nothing(line: str) -> None:
    progress, _ = told(line, "}", vertex("[made 2/2] RUN x"), printed("fine\n"))
    assert "fine" in progress.tail or line == "{"
