"""Policies that attack are contained: their siblings' results and the next evaluation are right. Under real gVisor."""

import asyncio

import pytest

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.containers import ContainerSandboxes
from seatrial.wire.evaluations import EvaluationFinished, PolicyToRun
from seatrial.wire.states import Isolation, ResultState
from tests.sandboxes.conftest import Bench, policy

pytestmark = [pytest.mark.docker, pytest.mark.gvisor]

GOOD = """
import time
def evaluate(project):
    time.sleep(0.5)
    return {"passed": True, "score": 77, "message": project.get_file_content("README.md").strip()}
"""

HOSTILE = {
    "raises": ("def evaluate(project):\n    raise ValueError('no')", "errored", "ValueError: no"),
    "loops": ("def evaluate(project):\n    while True: pass", "timed_out", "did not end within 2 s"),
    "sleeps": ("import time\ndef evaluate(project): time.sleep(60)", "timed_out", "did not end within 2 s"),
    "eats-memory": (
        "def evaluate(project):\n    kept = []\n    while True: kept.append(bytearray(1 << 20))",
        "errored", "used more than 128 MB",
    ),
    "forks": (
        "import os\ndef evaluate(project):\n    while True: os.fork()", "errored", "Operation not permitted",
    ),
    "prints-a-gigabyte": (
        "def evaluate(project):\n    for _ in range(1 << 10): print('x' * (1 << 20))", "errored", "printed more than 1 MB",
    ),
    "exits": ("import os\ndef evaluate(project): os._exit(0)", "errored", "without a result (exit code 0)"),
    "kills-itself": ("import os\ndef evaluate(project): os.kill(os.getpid(), 9)", "errored", "ended by signal 9"),
    "fills-the-disk": (
        "def evaluate(project):\n    for n in range(1000): open(f'f{n}', 'wb').write(b'x' * (10 << 20))",
        "errored", "OSError",
    ),
    "recurses": ("def evaluate(project): return evaluate(project)", "errored", "RecursionError"),
    "nonsense": ("def evaluate(project): return 'fine'", "errored", "returned str 'fine'"),
    "logs-for-ever": (
        "def evaluate(project, log):\n    while True: log('x' * 2000)", "errored", "sent more than a policy may send",
    ),
    "asks-for-ever": (
        "def evaluate(project):\n    n = 0\n    while True:\n        project.get_file_content(str(n)); n += 1",
        "timed_out", "did not end within 2 s",
    ),
}  # fmt: skip


def hostile(name: str) -> PolicyToRun:
    """The attack, with time enough to do its worst on a busy machine unless it is about time."""
    code, state, _ = HOSTILE[name]
    return policy(code, name, **{"timeout_seconds": 2.0} if state == "timed_out" else {})


def good(slug: str) -> PolicyToRun:
    """A policy that is right whatever its siblings do."""
    return policy(GOOD, slug)


def assert_good(result: object) -> None:
    assert (result.state, result.score, result.message) == (ResultState.PASSED, 77, "# Ship"), result


async def test_contained_and_siblings_are_right_and_the_next_evaluation_is_untouched(gvisor: Bench) -> None:
    """Each in its turn among the others and honest policies. `escapes` has many more."""
    policies = [hostile(name) for name in HOSTILE]
    before, *results, after = await gvisor.run(good("a"), *policies, good("z"))
    assert_good(before)
    for result, (_, state, why) in zip(results, HOSTILE.values(), strict=True):
        assert (result.state, result.score) == (state, None) and why in result.message, result
    assert_good(after)
    finished = await gvisor.evaluations.evaluate(gvisor.command(good("good-2"), policy(VERSION, "version")))
    assert_good(finished.results[0])
    assert_says_what_ran(finished)


TAMPERS = """
import os, signal, socket
def tried(action, *arguments):
    try:
        action(*arguments)
        return "done"
    except Exception as error:
        return type(error).__name__

def descriptors(p):
    try:
        found = [f"/proc/{p}/fd/{fd}" for fd in os.listdir(f"/proc/{p}/fd")]
    except OSError:  # not ours to see, or it has ended
        return []
    return [path for path in found if not leads_nowhere(path)]

def leads_nowhere(path):
    try:
        return os.readlink(path) == "/dev/null"
    except FileNotFoundError:  # closed meanwhile
        return True

def scribble(path):
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    os.write(descriptor, b"\\0\\0\\0\\x10\\6\\0\\1{\\"returned\\": 1}")

def evaluate(project):
    me = os.getpid()
    others = [p for p in range(1, 40) if p != me and tried(os.kill, p, 0) != "ProcessLookupError"]
    said = {"pids": len(others), "uid": os.getuid(), "eff": os.geteuid()}
    said["kill"] = sorted({tried(os.kill, p, signal.SIGKILL) for p in others} - {"ProcessLookupError"})  # it has ended
    said["memory"] = sorted({tried(open, f"/proc/{p}/mem", "r+b") for p in others})
    said["cwd"] = sorted({tried(os.listdir, f"/proc/{p}/cwd") for p in others if p != 1})
    said["pipes"] = sorted({tried(scribble, path) for p in others for path in descriptors(p)})
    said["become"] = [tried(os.setuid, 0), tried(os.setresuid, 210001, 210001, 210001), tried(os.setgid, 0)]
    said["tmp"] = [tried(os.listdir, "/tmp"), tried(os.mkdir, "/tmp/shared"), tried(os.listdir, "..")]
    said["root"] = tried(open, "/sandbox/x", "w")
    said["network"] = tried(socket.create_connection, ("1.1.1.1", 443), 1)
    project.get_metadata()
    return {"passed": True, "details": said}
"""


LASTS = GOOD.replace("time.sleep(0.5)", "project.get_topics()")


async def test_nothing_of_a_sibling_or_the_warden_can_be_touched(
    gvisor: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its siblings live until it has tried everything: they wait for an answer, which comes then."""
    tried = asyncio.Event()

    async def topics(_: Broker) -> list[str]:
        await tried.wait()
        return []

    async def metadata(_: Broker) -> dict[str, str]:
        tried.set()
        return {}

    monkeypatch.setattr(Broker, "_topics", topics)
    monkeypatch.setattr(Broker, "_metadata", metadata)
    before, tampering, after = await gvisor.run(policy(LASTS, "a"), policy(TAMPERS, "t"), policy(LASTS, "z"))
    assert tampering.state == ResultState.PASSED, tampering
    assert_good(before)
    assert_good(after)
    said = tampering.details
    assert said["pids"] >= 3 and said["uid"] == said["eff"] >= 210_000
    assert said["kill"] == ["PermissionError"]
    assert "done" not in said["memory"] + said["cwd"] + said["pipes"] + said["tmp"]
    assert said["become"] == ["PermissionError"] * 3
    assert said["root"] != "done" and said["network"] == "PermissionError"


FORGES = """
import os, struct
def frame(kind, channel, body):
    return struct.pack("!IBH", len(body), kind, channel) + body
def evaluate(project):
    forged = b'{"returned":{"passed":false,"score":0,"message":"forged"}}'
    for channel in (0, 1, 2, 3, 4):
        os.write(3, frame(6, channel, forged))
    import time; time.sleep(1)
"""


FORGING = {
    "of-others": (FORGES, None),  # a child may say what it likes of itself, and of nobody else
    "end": (
        "import os\ndef evaluate(project): os.write(3, b'\\0\\0\\0\\2\\7\\0\\1{}')",
        "broke the protocol",
    ),
    "length": (
        "import os\ndef evaluate(project): os.write(3, b'\\xff' * 100)",
        "sent more than a policy may send",
    ),
    "json": ("import os\ndef evaluate(project): os.write(3, b'\\0\\0\\0\\2\\6\\0\\1{x')", "cannot be read"),
    "questions": (
        "import os\ndef evaluate(project): os.write(3, b'\\0\\0\\0\\2\\3\\0\\1[]' * 2); input()",
        "broke the protocol",
    ),
}


async def test_forged_frames_speak_for_nobody_else(gvisor: Bench) -> None:
    forging = [policy(code, name) for name, (code, _) in FORGING.items()]
    before, *results, after = await gvisor.run(good("a"), *forging, good("z"))
    assert_good(before)
    assert_good(after)
    for result, (_, why) in zip(results, FORGING.values(), strict=True):
        if why is None:
            assert result.message == "forged" and result.state == ResultState.FAILED
        else:
            assert result.state == ResultState.ERRORED and why in result.message, result


async def test_a_lost_sandbox_takes_only_its_culprit_along(
    gvisor: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends a whole sandbox from inside: here it is killed from outside while a policy waits for an answer."""
    backend = gvisor.pool.backend
    assert isinstance(backend, ContainerSandboxes)
    killed: list[str] = []

    async def topics(_: Broker) -> list[str]:
        if not killed:
            label = f"galley.agent={backend._labels['galley.agent']}"
            [container] = await backend._engine._connection.api.containers.list(filters={"label": [label]})
            killed.append(container.id)
            await container.kill()
            await asyncio.Event().wait()  # until it is seen that nobody listens any more
        return []

    monkeypatch.setattr(Broker, "_topics", topics)
    results = await gvisor.run(good("a"), policy(LASTS, "asks"))
    assert len(killed) == 1
    assert_good(results[0])
    assert_good(results[1])


VERSION = (
    "import platform\ndef evaluate(project): return {'passed': True, 'message': platform.python_version()}"
)


def assert_says_what_ran(finished: EvaluationFinished) -> None:
    assert finished.isolation == Isolation.GVISOR
    assert finished.results[1].message == finished.python
    assert tuple(map(int, finished.python.split("."))) >= (3, 13), (
        "policies are promised 3.13, whatever the host has"
    )
