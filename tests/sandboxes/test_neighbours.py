"""Policies of one evaluation cannot reach each other, start anything, or write anywhere but to their own folder."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.containers import ContainerSandboxes
from seatrial.agent.sandboxes.pool import Pool
from seatrial.wire.states import Isolation, ResultState
from tests.engines import require
from tests.repositories import Repository
from tests.sandboxes.conftest import Bench, bench_of, policy

TRIED = """
import ctypes, errno, fcntl, mmap, os, socket, stat, subprocess, sys, tempfile, threading
libc = ctypes.CDLL(None, use_errno=True)

def tried(action, *arguments):
    try:
        action(*arguments)
        return "done"
    except (Exception, SystemExit) as error:
        return type(error).__name__

def called(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def listen(family, address):
    server = socket.socket(family)
    server.bind(address)
    server.listen()

def named_by_the_kernel():
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    here.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    here.send(b"x")

WAYS = {
    "abstract socket": lambda: listen(socket.AF_UNIX, "\\0seatrial"),
    "socket in a folder": lambda: listen(socket.AF_UNIX, os.environ["TMPDIR"] + "/socket"),
    "loopback": lambda: listen(socket.AF_INET, ("127.0.0.1", 7777)),
    "loopback, version 6": lambda: listen(socket.AF_INET6, ("::1", 7777)),
    "datagrams": named_by_the_kernel,
    "datagrams to the network": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "System V shared memory": lambda: called(29, 7777, 4096, 0o1666),
    "System V semaphores": lambda: called(64, 7777, 1, 0o1666),
    "System V messages": lambda: called(68, 7777, 0o1666),
    "POSIX messages": lambda: called(240, b"seatrial", os.O_CREAT | os.O_RDWR, 0o666, None),
    "memory file": lambda: os.memfd_create("seatrial"),
    "watch": lambda: called(294, 0),
    "named pipe": lambda: os.mkfifo("pipe"),
    "terminal": os.openpty,
    "lock": lambda: fcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_SH),
    "lock, asked for": lambda: fcntl.fcntl(os.open(os.__file__, os.O_RDONLY), fcntl.F_GETLK, bytes(32)),
    "name of the process": lambda: called(157, 15, b"seatrial", 0, 0, 0),
    "trace": lambda: called(101, 0, 0, 0, 0),
    "memory of another": lambda: called(310, os.getppid(), None, 0, None, 0, 0),
    "keys": lambda: called(248, b"user", b"seatrial", b"x", 1, -3),
    "exec": lambda: os.execv(sys.executable, ["python3", "-c", "0"]),
    "exec of a descriptor": lambda: os.execve(os.open(sys.executable, os.O_RDONLY), ["python3"], {}),
    "subprocess": lambda: subprocess.run([sys.executable, "-c", "0"]),
    "posix_spawn": lambda: os.posix_spawn(sys.executable, ["python3"], {}),
    "fork": os.fork,
    "thread": lambda: threading.Thread(target=print).start(),
}
"""
WALKS = (
    TRIED
    + """
def evaluate(project):
    return {"passed": True, "details": {way: tried(action) for way, action in WAYS.items()}}
"""
)

OFFERS = (
    TRIED
    + """
def evaluate(project):
    here = os.environ["TMPDIR"]
    os.chmod(here, 0o777)
    with open("offer", "w") as file:
        file.write("for you")
    os.chmod("offer", 0o666)
    done = {way: tried(action) for way, action in WAYS.items()}
    project.get_file_last_commit_date(here)
    return {"passed": True, "details": done}
"""
)

TAKES = (
    TRIED
    + """
HARMLESS = {"/dev/" + name for name in ("null", "zero", "full", "random", "urandom")}

def writable():
    for folder, _, names in [*os.walk("/"), *os.walk(os.environ["TMPDIR"])]:
        if not folder.startswith(("/proc", "/sys", "/usr")):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                if not os.path.islink(path) and os.access(path, os.W_OK):
                    yield path

def filled():
    try:
        for number in range(10):
            with open(f"f{number}", "wb") as file:
                file.write(bytes(15 << 20))
    except OSError as error:
        return error.errno == errno.ENOSPC

def evaluate(project):
    [theirs] = project.get_topics()
    said = {"listed": tried(os.listdir, theirs), "read": tried(open, theirs + "/offer"), "made": tried(os.mkdir, theirs + "/x")}
    said["writable"] = sorted(set(writable()) - HARMLESS)
    said["shm"] = tried(open, f"/dev/shm/f{os.getpid()}", "wb")
    said["processes"] = [name for name in os.listdir("/proc") if name.isdigit()]
    said["filled"] = filled()
    project.get_metadata()
    return {"passed": True, "details": said}
"""
)

WORKS = """
import asyncio, contextlib, os, shutil, sqlite3, tempfile, zipfile
def evaluate(project):
    with contextlib.closing(sqlite3.connect("a.sqlite3")) as database, database:
        database.execute("create table t(x)")
        database.execute("insert into t values (1)")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(folder + "/a.zip", "w") as archive:
        archive.write("a.sqlite3")
        shutil.copytree(folder, "copied")
        shutil.copy2("a.sqlite3", "b.sqlite3")
    async def soon():
        await asyncio.sleep(0.01)
        return sorted(os.listdir())
    return {"passed": True, "details": {"files": asyncio.run(soon())}}
"""


async def test_nothing_can_be_started_and_nothing_made_that_others_could_reach(processes: Bench) -> None:
    [result] = await processes.run(policy(WALKS))
    assert result.state == ResultState.PASSED, result
    assert [way for way, outcome in result.details.items() if outcome == "done"] == []


async def test_what_stays_within_a_policy_works(processes: Bench) -> None:
    [result] = await processes.run(policy(WORKS))
    assert result.state == ResultState.PASSED, result
    assert result.details == {"files": ["a.sqlite3", "b.sqlite3", "copied"]}


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """One policy names its folder and waits; the other is told the folder, and ends that wait when it has tried everything."""
    offered: list[str] = []
    is_offered, is_tried = asyncio.Event(), asyncio.Event()

    async def last_commit_date(_: Broker, path: str) -> None:
        offered.append(path)
        is_offered.set()
        await is_tried.wait()

    async def topics(_: Broker) -> list[str]:
        await is_offered.wait()
        return offered

    async def metadata(_: Broker) -> dict[str, Any]:
        is_tried.set()
        return {}

    monkeypatch.setattr(Broker, "_last_commit_date", last_commit_date)
    monkeypatch.setattr(Broker, "_topics", topics)
    monkeypatch.setattr(Broker, "_metadata", metadata)


@pytest.mark.docker
@pytest.mark.gvisor
@pytest.mark.parametrize("isolation", [Isolation.GVISOR, Isolation.CONTAINER])
async def test_a_policy_offers_what_it_can_and_its_neighbour_finds_nothing(
    isolation: Isolation,
    containers: Callable[..., ContainerSandboxes],
    repository: Repository,
    tmp_path: Path,
    meeting: None,
) -> None:
    """In an ordinary container only the list of processes, and the space in memory, are shared."""
    require("gvisor")
    repository.commit({"README.md": "# Ship\n"})
    backend = containers()
    await backend.prepare()
    backend.isolation = isolation
    async with Pool(backend, size=0).running() as pool:
        bench = bench_of(pool, repository, tmp_path)
        offering, taking = await bench.run(policy(OFFERS, "offers"), policy(TAKES, "takes"))
    assert (offering.state, taking.state) == (ResultState.PASSED, ResultState.PASSED), (offering, taking)
    assert [way for way, outcome in offering.details.items() if outcome == "done"] == []
    said = taking.details
    assert said["shm"] != "done" and said["filled"]
    assert (said["listed"], said["read"], said["made"]) == ("PermissionError",) * 3
    own = [path for path in said["writable"] if path.startswith("/tmp/policy-") and path.endswith("/own")]
    assert own == said["writable"] and len(own) == 1
    assert isolation is Isolation.CONTAINER or said["processes"] == []
