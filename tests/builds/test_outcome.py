"""Whose fault it is that a build ended, told from buildah's exit code and last lines; and what its message begins with."""

import asyncio
import errno
import os
import signal
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import pytest

from seatrial.agent.builds import stuck
from seatrial.agent.builds.attempts import Interrupted, repeated
from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.bases import Bases
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.images import EngineImages
from seatrial.agent.builds.layers import Layers
from seatrial.agent.builds.outcome import Outcome, oom_kills, shown
from seatrial.agent.builds.steps import Step, nameless
from seatrial.agent.commands.logged import Ended
from seatrial.agent.engine import Engine
from seatrial.agent.recipes.recipe import Build
from seatrial.agent.vocabulary.errors import AgentError, BuilderFailed, BuildError, NoSpace
from seatrial.agent.vocabulary.logs import Log
from seatrial.wire.words import Reason
from tests.builds.conftest import Lines
from tests.waiting import until

RUN = "RUN npm run build"
BEGAN = f"STEP 2/2: {RUN}"


def problem(
    code: int, *lines: str, began: str = RUN, steps: Sequence[Step] = (), out_of_memory: bool = False
) -> Exception:
    by_text = {nameless(step.shown): step for step in steps}
    return Outcome("web", Ended(code, deque(lines)), by_text, began, out_of_memory).problem()


def failed(why: str, step: str = RUN) -> str:
    return f'Error: building at STEP "{step}": {why}'


TIME = 'time="2026-11-28T22:17:36Z" level=error msg='
KILLS = {
    "unshare": (-9, [BEGAN, "compiling"]),
    "buildah": (1, [BEGAN, "compiling", "unshare: sigprocmask unblock failed: Invalid argument"]),
    "buildah in its namespace": (1, [BEGAN, f'{TIME}"signal: killed"', f'{TIME}"(Unable to determine exit status)"']),
    "the same, while a step prints errors": (1, [BEGAN, "Error: mine", f'{TIME}"(Unable to determine exit status)"']),
    "runc": (1, [BEGAN, "error running container: from /usr/sbin/runc creating container for [/bin/sh -c x]: : signal: killed",
                 f'{TIME}"did not get container create message from subprocess: EOF"', failed("while running runtime: exit status 1")]),
    "runc, in the middle": (1, [BEGAN, 'error running container: from /usr/sbin/runc creating container for [x]: writing syncT "procHooks": write pipe: broken pipe',
                                f'{TIME}"did not get container create message from subprocess: EOF"', failed("while running runtime: exit status 1")]),
    "runc itself": (1, [BEGAN, f'error running container: {TIME}"runc create failed: no cgroup mount found in mountinfo"', ": exit status 1",
                        f'{TIME}"did not get container create message from subprocess: EOF"', failed("while running runtime: exit status 1")]),
    "buildah's runtime": (255, [BEGAN, failed("while running runtime: signal: killed")]),
    "buildah's copier": (125, ["STEP 2/2: COPY a /", failed('checking on sources under "/x": error decoding response from copier subprocess: EOF', "COPY a /")]),
    "the copier, in several lines": (125, ["STEP 2/2: COPY a /", failed("3 errors occurred:", "COPY a /"), "\t* storing: error decoding response from copier subprocess: EOF"]),
    "the store": (125, [BEGAN, failed('mounting new container: saving "/run/x/store/overlay-containers/ab/userdata": no such file or directory')]),
    "the cell's own": (32, ["mount: /run/galley-builder/x: special device gone does not exist."]),
    "before the first word": (137, []),
}  # fmt: skip


@pytest.mark.parametrize(("code", "lines"), KILLS.values(), ids=KILLS.keys())
def test_a_program_of_the_builder_that_was_killed_is_not_the_repositorys_fault(
    code: int, lines: list[str]
) -> None:
    found = problem(code, *lines)
    assert isinstance(found, Interrupted)
    assert found.finally_ is None


@pytest.mark.parametrize("out_of_memory", [True, False])
def test_a_step_that_its_host_killed_is_tried_again_and_then_the_repositorys(out_of_memory: bool) -> None:
    status = "137" if out_of_memory else "1"
    before = ["Killed"] if out_of_memory else ["container exited on killed"]
    ended = [BEGAN, *before, failed(f"while running runtime: exit status {status}")]
    found = problem(int(status), *ended, out_of_memory=out_of_memory)
    assert isinstance(found, Interrupted)
    assert isinstance(found.finally_, BuildError)
    assert "exit status 137. Something killed the step's program" in str(found.finally_)


REPOSITORYS = {
    "a step failed": (2, [BEGAN, failed("while running runtime: exit status 2")]),
    "it killed its own": (137, [BEGAN, "Killed", failed("while running runtime: exit status 137")]),
    "it prints what we print": (1, [BEGAN, "signal: killed", failed("while running runtime: exit status 1")]),
    "no such program": (1, [BEGAN, f'error running container: from /usr/sbin/runc creating container for [x]: {TIME}"no oom kill count"', f'{TIME}"runc create failed: unable to start container process: exec: nothing"',
                            f'{TIME}"did not get container create message from subprocess: EOF"', failed("while running runtime: exit status 1")]),
    "an image nobody has": (125, ["STEP 2/2: COPY --from=$X a /", failed("no stage or image found with that name: image not known", "COPY --from=$X a /")]),
    "nothing to copy": (125, ["STEP 2/2: COPY a /", failed('checking on sources under "/x": copier: stat: "/a": no such file', "COPY a /")]),
}  # fmt: skip


@pytest.mark.parametrize(("code", "lines"), REPOSITORYS.values(), ids=REPOSITORYS.keys())
def test_what_the_repository_does_wrong_is_the_repositorys(code: int, lines: list[str]) -> None:
    assert isinstance(problem(code, *lines), BuildError)


def test_the_deciding_line_comes_first_and_the_step_as_it_stands_in_the_file() -> None:
    lines = ["STEP 1/2: FROM x", "error of an earlier step", BEGAN, "npm warn deprecated a@1: error prone", "0 errors so far",
             'npm error Missing script: "build"', "npm error A complete log is in /root/.npm", failed("while running runtime: exit status 1")]  # fmt: skip
    found = problem(1, *lines, steps=[Step("Dockerfile:7", RUN)])
    assert (
        str(found)
        == 'web: npm error Missing script: "build" (Dockerfile:7: `RUN npm run build` failed: exit status 1). Correct the step, and push'
    )
    assert isinstance(found, BuildError)
    assert "npm error A complete log is in /root/.npm" in found.log_tail


def test_a_program_that_the_image_lacks_is_named() -> None:
    created = f'{TIME}"runc create failed: unable to start container process: exec: \\"nothing\\": executable file not found in $PATH"'
    exec_form = failed("while running runtime: exit status 1", "RUN nothing")
    found = problem(1, 'STEP 2/2: RUN ["nothing"]', created, exec_form, began='RUN ["nothing"]')
    assert str(found).endswith('$PATH (`RUN ["nothing"]` failed: exit status 1). Correct the step, and push')
    assert str(found).startswith('web: exec: "nothing": executable file not found in $PATH (')


def test_a_step_that_says_nothing_is_named() -> None:
    found = problem(127, BEGAN, "hello", failed("while running runtime: exit status 127"))
    assert (
        str(found)
        == "web: `RUN npm run build` failed: exit status 127. Install the program in an earlier step, or correct its name"
    )


def test_a_file_that_is_missing_is_named_with_its_line() -> None:
    copy = "COPY a /"
    why = 'checking on sources under "/run": copier: stat: "/a": no such file or directory'
    found = problem(
        125, f"STEP 2/2: {copy}", failed(why, copy), began=copy, steps=[Step("Dockerfile:3", copy)]
    )
    told = "there is no a in the build's folder, or .dockerignore leaves it out"
    assert str(found) == f"web: Dockerfile:3: `{copy}` failed: {told}"


def test_an_error_of_several_lines_is_shown_whole() -> None:
    add = "ADD http://a.invalid/x /x"
    lines = [
        f"STEP 2/2: {add}",
        failed("2 errors occurred:", add),
        "\t* no such host",
        "\t* it is closed",
        "",
        "",
    ]
    assert (
        str(problem(125, *lines, began=add))
        == f"web: `{add}` failed: 2 errors occurred: no such host it is closed"
    )


def test_what_was_rewritten_is_shown_as_it_was_written() -> None:
    given = "RUN eval \"$(printf %b '\\0040')\""
    steps = {nameless(given): Step("Dockerfile:2", "RUN <<EOF", rewritten=True)}
    assert shown(f"[1/2] STEP 2/3: {given}", steps) == "[1/2] STEP 2/3: RUN <<EOF"
    assert shown(failed("exit status 1", given), steps, given) == failed("exit status 1", "RUN <<EOF")
    assert shown(given, steps) == given, "a step may print what it likes"


def test_a_script_too_long_for_a_line_of_the_log_is_named_all_the_same() -> None:
    given = f"RUN eval \"$(printf %b '{'x' * 9000}')\""
    step = Step("Dockerfile:2", "RUN <<EOF", rewritten=True)
    cut = [
        f"STEP 2/2: {given}"[:4000] + " ... (line cut)",
        "\x1b[31mfatal: no",
        failed("exit status 3", given)[:4000] + " ... (line cut)",
    ]
    began = cut[0].removeprefix("STEP 2/2: ")
    found = Outcome("web", Ended(3, deque(cut)), {nameless(given): step}, began).problem()
    assert (
        str(found)
        == "web: fatal: no (Dockerfile:2: `RUN <<EOF` failed: exit status 3). Correct the step, and push"
    )
    assert isinstance(found, BuildError)
    assert not any("xxx" in line for line in found.log_tail)


def test_a_full_disk_is_named_as_such() -> None:
    assert isinstance(problem(1, BEGAN, "cp: write error: No space left on device"), NoSpace)


def test_the_host_counts_what_it_kills() -> None:
    assert oom_kills() >= 0


INIT, CREATE, STEP = (
    ["/usr/sbin/runc", "init"],
    ["/usr/sbin/runc", "create", "--bundle", "/x"],
    ["/bin/sh", "-c", "runc init"],
)


@pytest.mark.parametrize(
    ("running", "never"),
    [([INIT], True), ([STEP, INIT], True), ([CREATE, INIT], False), ([["runc", "start", "x"], INIT], False), ([STEP], False), ([], False), ([[]], False)],
)  # fmt: skip
def test_a_step_never_begins_when_the_runtime_that_made_it_is_gone(
    running: list[list[str]], never: bool
) -> None:
    assert stuck.never_begins(running) is never


async def test_a_build_that_waits_for_such_a_step_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    states = iter([[INIT], [CREATE], *[[INIT]] * stuck.LOOKS])
    monkeypatch.setattr(stuck, "programs", lambda _mark: next(states))
    with pytest.raises(Interrupted, match="prepared and never began"):
        await stuck.watched(work(), "mark", look_seconds=0.0)
    assert ended.is_set()
    assert next(states, None) is None, "one look is not enough"


async def test_work_that_goes_on_is_watched_to_its_end() -> None:
    child = await asyncio.create_subprocess_exec(
        "sh", "-c", "sleep 600 & wait", "mark", start_new_session=True
    )
    await until(lambda: asyncio.to_thread(sleeps_below, "mark"))
    os.killpg(child.pid, signal.SIGKILL)
    await child.wait()
    assert await stuck.watched(asyncio.sleep(0.01, "built"), "mark", look_seconds=0.0) == "built"


def sleeps_below(mark: str) -> bool:
    return ["sleep", "600"] in stuck.programs(mark)


async def test_an_interrupted_build_is_repeated_and_the_log_says_so(log: Lines) -> None:
    attempts = [Interrupted("a program of the builder was killed")] * 2

    async def attempt() -> str:
        if attempts:
            raise attempts.pop()
        return "built"

    assert await repeated(attempt, log, "web", (0.0, 0.0)) == "built"
    assert log == [
        f"web: not your code: a program of the builder was killed. Trying again in 0 s (attempt {n} of 3)"
        for n in (2, 3)
    ]


@pytest.mark.parametrize("own", [None, BuildError("the step's")])
async def test_it_ends_after_a_few_attempts(log: Lines, own: AgentError | None) -> None:
    tried = 0

    async def attempt() -> None:
        nonlocal tried
        tried += 1
        raise Interrupted("killed", own)

    with pytest.raises(type(own) if own else BuilderFailed) as caught:
        await repeated(attempt, log, "web", (0.0,))
    assert tried == 2
    assert own is None or caught.value is own
    assert BuilderFailed.reason is Reason.INTERNAL


class Hindered(BuildahBuilder):
    """A builder whose host has nothing to give at first."""

    def __init__(self, data: Path, *errors: OSError) -> None:
        engine = Engine("unix:///nowhere.sock")
        super().__init__(engine, Bases(engine), EngineImages(engine), Layers(data), pauses_seconds=(0.0,))
        self.errors = list(errors)

    async def _build(self, request: BuildRequest, log: Log) -> None:
        if self.errors:
            raise self.errors.pop(0)


async def test_a_host_that_has_no_process_to_give_is_asked_again(log: Lines, tmp_path: Path) -> None:
    request = BuildRequest("web", Build(), tmp_path, "tag", {}, "scope")
    await Hindered(tmp_path, BlockingIOError(errno.EAGAIN, "none left")).build(request, log)
    assert log == [
        "web: not your code: the build could not run: [Errno 11] none left. Trying again in 0 s (attempt 2 of 2)"
    ]
    with pytest.raises(OSError, match="disk full"):
        await Hindered(tmp_path, OSError(errno.ENOSPC, "disk full")).build(request, log)


async def test_any_other_error_and_a_cancellation_end_it_at_once(log: Lines) -> None:
    async def wrong() -> None:
        raise BuildError("wrong")

    with pytest.raises(BuildError, match="wrong"):
        await repeated(wrong, log, "web", (0.0,))

    async def killed() -> None:
        raise Interrupted("killed")

    told = asyncio.Event()

    async def tell(_line: str) -> None:
        told.set()

    waiting = asyncio.create_task(repeated(killed, tell, "web", (60.0,)))
    await told.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
