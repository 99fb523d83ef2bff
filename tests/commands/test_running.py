"""Commands leave nothing behind, however they end."""

import asyncio
import re
from pathlib import Path
from typing import Any

import psutil
import pytest

from seatrial.agent.commands import children, logged
from seatrial.agent.commands.children import Errors
from seatrial.agent.commands.running import TooMuchOutput, run
from seatrial.agent.vocabulary.logs import quiet
from tests.waiting import LIMIT_SECONDS

# A child in a session of its own, and one that stays; each notes its number.
FAMILY = "setsid sleep 600 & echo $! >> {notes}; sleep 600 & echo $! >> {notes}; echo $$ >> {notes}; {then}"


def family(notes: Path, then: str = "wait") -> list[str]:
    return ["sh", "-c", FAMILY.format(notes=notes, then=then)]


def numbers_in(notes: Path) -> list[int]:
    return [int(number) for number in notes.read_text().split()] if notes.exists() else []


async def noted(notes: Path, count: int = 3) -> list[int]:
    async with asyncio.timeout(LIMIT_SECONDS):
        while len(numbers_in(notes)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return numbers_in(notes)


def nobody_is_left(numbers: list[int]) -> bool:
    existing = [psutil.Process(number) for number in numbers if psutil.pid_exists(number)]
    return not any(map(children.runs, existing))


async def test_output_errors_and_exit_code_are_separate() -> None:
    done = await run(["sh", "-c", "cat; echo no >&2; exit 3"], stdin=b"yes")
    assert (done.code, done.output, done.errors) == (3, b"yes", b"no\n")
    together = await run(["sh", "-c", "echo yes; echo no >&2"], errors=Errors.WITH_OUTPUT)
    assert (together.text, together.errors) == ("yes\nno\n", b"")


async def test_what_does_not_read_its_input_to_the_end_is_none_the_worse() -> None:
    done = await run(["true"], stdin=b"x" * 10_000_000)
    assert (done.code, done.output) == (0, b"")


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        await run(["no-such-program"])


@pytest.mark.parametrize("again", [1, 3])
async def test_cancelled_it_leaves_nobody(tmp_path: Path, again: int) -> None:
    running = asyncio.create_task(run(family(tmp_path / "notes")))
    numbers = await noted(tmp_path / "notes")
    assert not nobody_is_left(numbers)
    for _ in range(again):
        running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert nobody_is_left(numbers)


@pytest.mark.parametrize("again", [1, 3])
async def test_cancelled_while_it_starts_it_leaves_nobody(
    tmp_path: Path, again: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, go_on = asyncio.create_subprocess_exec, asyncio.Event()

    async def slow(*command: str, **options: Any) -> asyncio.subprocess.Process:
        process = await create(*command, **options)
        await go_on.wait()
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow)
    running = asyncio.create_task(run(family(tmp_path / "notes")))
    numbers = await noted(tmp_path / "notes")
    for _ in range(again):
        running.cancel()
        await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert nobody_is_left(numbers)


async def test_out_of_time_it_leaves_nobody(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):  # late enough that a busy machine has begun it
        await run(family(tmp_path / "notes"), timeout_seconds=5)
    numbers = numbers_in(tmp_path / "notes")
    assert numbers and nobody_is_left(numbers)


async def test_one_that_prints_without_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(TooMuchOutput, match="1,000,000"):
        await run(family(tmp_path / "notes", "yes"), most_bytes=1_000_000)
    assert nobody_is_left(await noted(tmp_path / "notes"))


async def test_its_end_takes_along_what_it_left_running(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    command = f"sleep 600 > /dev/null 2>&1 & echo $! > {notes}"
    assert (await run(["sh", "-c", command])).code == 0
    assert nobody_is_left(numbers_in(notes))


async def test_a_process_with_the_reused_id_of_an_ended_child_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child = await children.start(["true"])
    await child.wait()
    async with children.started(["sleep", "3600"]) as stranger:
        monkeypatch.setattr(child, "pid", stranger.pid)
        await children.end(child)
        assert psutil.Process(stranger.pid).status() != psutil.STATUS_ZOMBIE and stranger.returncode is None


async def test_a_logged_command_that_is_cancelled_leaves_nobody(tmp_path: Path) -> None:
    running = asyncio.create_task(
        logged.run(
            family(tmp_path / "notes"), quiet, environment={"PATH": "/usr/bin:/bin"}, timeout_seconds=600
        )
    )
    numbers = await noted(tmp_path / "notes")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled() and nobody_is_left(numbers)


async def test_what_is_detached_is_nobodys_child(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    command = ["sh", "-c", f"echo $$ > {notes}; exec sleep 600"]
    await children.detached(command, environment={"PATH": "/usr/bin:/bin"})
    [number] = await noted(notes, 1)
    process = psutil.Process(number)
    try:
        assert children.runs(process)
        assert process.pid not in {child.pid for child in psutil.Process().children(recursive=True)}
    finally:
        process.kill()


def test_the_agent_starts_children_nowhere_else() -> None:
    agent = Path(children.__file__).parent.parent
    starts = re.compile(r"create_subprocess_|subprocess\.(run|Popen|check_|call)")
    existing = {
        str(file.relative_to(agent)) for file in agent.rglob("*.py") if starts.search(file.read_text())
    }
    # The second is a program of its own, which outlives the agent.
    assert existing == {"commands/children.py", "runtime/process/keeper.py"}
