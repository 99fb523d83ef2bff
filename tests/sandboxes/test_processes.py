"""Sandboxes that are plain processes: they share a host, with each other and with an agent that may be killed."""

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program
from seatrial.sandbox.__main__ import _prepare, _settle
from seatrial.sandbox.warden import Pipes
from seatrial.wire.envelope import new_id
from tests.sandboxes.conftest import Bench, policy
from tests.waiting import LIMIT_SECONDS, until

AGENT = """
import asyncio, sys
from seatrial.agent.sandboxes.frames import Kind
from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.processes import ProcessSandboxes
from seatrial.agent.sandboxes.program import find_program

CODE = "def evaluate(project):\\n    open('mark-' + project.get_default_branch(), 'w')\\n    while True: pass"
JOB = {"slug": "loops", "code": CODE, "params": {}, "timeout_seconds": 600.0, "memory_mb": 128}

async def main():
    sandbox = await ProcessSandboxes(find_program(), sys.argv[1]).start(1)
    await sandbox.warm(1)
    await sandbox.send(Kind.RUN, 1, JOB)
    await sandbox.receive()
    await sandbox.send(Kind.ANSWER, 1, {"value": "here"})
    await asyncio.sleep(600)

asyncio.run(main())
"""


def folders(agent: str) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"gitgrit-sandbox-{agent}-*"))


def processes_in(agent: str) -> list[int]:
    """Those that work in a folder of the agent's sandboxes."""
    numbers = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"gitgrit-sandbox-{agent}-" in str((entry / "cwd").readlink()):
                numbers.append(int(entry.name))
        except OSError:
            continue
    return numbers


@pytest.mark.parametrize("where", ["gvisor", "container", "host_uids"])
def test_what_is_for_containers_is_never_done_to_the_host(
    monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    for name in ("furnish", "close_shared", "hide_processes"):
        monkeypatch.setattr(
            f"seatrial.sandbox.__main__.{name}", lambda *_, name=name, **__: pytest.fail(name)
        )
    monkeypatch.setattr("resource.setrlimit", lambda *_: pytest.fail("limits"))
    with pytest.raises(SystemExit, match="a container of its own"):
        _prepare(1, where, networked=False)
    monkeypatch.setattr("seatrial.sandbox.network.settle", lambda *_, **__: pytest.fail("settled"))
    with pytest.raises(SystemExit, match="a container of its own"):
        _settle(Pipes(0, 1), where)


async def test_a_killed_agent_leaves_neither_process_nor_folder() -> None:
    agent = new_id()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", AGENT, agent)
    try:
        await until(lambda: any(list(folder.glob("policy-*/own/mark-here")) for folder in folders(agent)))
        assert processes_in(agent)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await until(lambda: processes_in(agent) == [] and folders(agent) == [])


def test_what_was_left_all_the_same_is_removed_at_the_next_start() -> None:
    agent = new_id()
    left = Path(tempfile.mkdtemp(prefix=f"gitgrit-sandbox-{agent}-"))
    of_another = Path(tempfile.mkdtemp(prefix=f"gitgrit-sandbox-{new_id()}-"))
    asyncio.run(ProcessSandboxes(find_program(), agent).prepare())
    assert not left.exists() and of_another.exists()
    of_another.rmdir()


@pytest.mark.parametrize("turns", [1, 2, 5])
async def test_a_start_that_is_cancelled_leaves_nothing(turns: int) -> None:
    agent = new_id()
    starting = asyncio.create_task(ProcessSandboxes(find_program(), agent).start(1))
    for _ in range(turns):
        await asyncio.sleep(0)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    if not starting.cancelled():
        await starting.result().destroy()
    await until(lambda: folders(agent) == [])


async def test_sandboxes_that_run_at_the_same_time_leave_each_other_alone(
    processes: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The children of both have the same numbers: each must have a uid that no other sandbox sweeps away."""
    begun, others_ended = asyncio.Event(), asyncio.Event()

    async def topics(_: Broker) -> list[str]:
        begun.set()
        await others_ended.wait()
        return []

    monkeypatch.setattr(Broker, "_topics", topics)
    quick = policy("def evaluate(project): return {'passed': True}", "quick")
    slow = policy("def evaluate(project): project.get_topics(); return {'passed': True}", "slow")
    running = asyncio.create_task(processes.run(slow))
    async with asyncio.timeout(LIMIT_SECONDS):
        await begun.wait()
    others = [await processes.run(quick.model_copy(update={"params": {"n": n}})) for n in range(3)]
    await until(lambda: not processes.pool._leaving)  # and swept
    others_ended.set()
    [lasting] = await running
    assert [result.state for result in (lasting, *(one for [one] in others))] == ["passed"] * 4, lasting
