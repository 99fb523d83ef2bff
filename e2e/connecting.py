"""Every connection that the processes of a platform try to open, as the kernel is asked for it."""

import ipaddress
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from e2e.platform import Platform, docker, eventually
from tests.engines import require

CALLS = "connect,sendto,sendmsg,sendmmsg"
ADDRESS = re.compile(
    r"sin6?_port=htons\((?P<port>\d+)\).*?"
    r'(?:inet_addr\("(?P<four>[^"]+)"\)|inet_pton\(AF_INET6, "(?P<six>[^"]+)")'
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SUBNETS = "{{range .IPAM.Config}}{{.Subnet}}\n{{end}}"


@dataclass(frozen=True)
class Attempt:
    """Somebody wanted to reach this, whether or not it was there."""

    address: Address
    port: int

    def __str__(self) -> str:
        return f"{self.address} port {self.port}"


NOBODY = Attempt(ipaddress.ip_address("127.9.9.9"), 9)


@contextmanager
def recorded(platform: Platform, directory: Path) -> Iterator[set[Attempt]]:
    """What is tried inside, by all processes below the supervisor and all that they start. The set is filled at the end.

    The database is not looked at: it is asked through a socket in a file and asks nobody, and its calls are half of all.
    """
    attempts: set[Attempt] = set()
    log = directory / "attempts.log"
    supervisor = platform.supervisor()
    processes = [supervisor, *(one for one in supervisor.children(recursive=True) if not is_database(one))]
    command = [
        require("strace"),
        "-f",
        "-e",
        f"trace={CALLS}",
        "-e",
        "signal=none",
        "-s",
        "0",
        "-o",
        str(log),
    ]
    for process in processes:
        command += ["-p", str(process.pid)]
    with (directory / "strace.log").open("wb") as said:
        tracer = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
    try:
        eventually(
            lambda: all(traced(one.pid, tracer.pid) for one in processes if one.is_running()),
            what="all are traced",
        )
        yield attempts
    finally:
        tracer.terminate()
        tracer.wait(300)
        attempts.update(read(log.read_text(errors="replace")))


def is_database(process: psutil.Process) -> bool:
    """Whether it is one of PostgreSQL's processes, or has ended."""
    try:
        return process.name() == "postgres"
    except psutil.NoSuchProcess:
        return True


def traced(pid: int, tracer: int) -> bool:
    """Whether each thread of the process is traced."""
    statuses = Path(f"/proc/{pid}/task").glob("*/status")
    return all(f"TracerPid:\t{tracer}\n" in status.read_text() for status in statuses)


def read(log: str) -> Iterator[Attempt]:
    """The addresses in a log of system calls. Those of sockets in files are not addresses."""
    for found in ADDRESS.finditer(log):
        yield Attempt(ipaddress.ip_address(found["four"] or found["six"]), int(found["port"]))


@contextmanager
def networks_of_containers() -> Iterator[set[Network]]:
    """Where this machine itself is, and its containers at any moment until the end: previews come and go."""
    seen: set[Network] = {ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")}
    over = threading.Event()

    def look() -> None:
        while not over.wait(1):  # each is there for longer than that
            with suppress(subprocess.CalledProcessError):  # one went between the two questions
                ids = docker("network", "ls", "-q")
                seen.update(map(ipaddress.ip_network, docker("network", "inspect", "-f", SUBNETS, *ids)))

    thread = threading.Thread(target=look, name="networks")
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@contextmanager
def nowhere_else(platform: Platform, directory: Path) -> Iterator[None]:
    """Fails if anything of the platform tries to connect to another machine than this one and its containers.

    All system calls of all processes become slower: what is done inside should be done nowhere else as well.
    """
    with networks_of_containers() as inside, recorded(platform, directory) as attempts:
        refused = platform.run(
            "connect", "github", "--url", f"http://{NOBODY.address}:{NOBODY.port}", given="x"
        )
        assert refused.returncode != 0
        yield
    assert NOBODY in attempts, "what is tried is recorded, also where nobody answers"
    elsewhere = [one for one in attempts if not any(one.address in network for network in inside)]
    assert not elsewhere, f"tried: {', '.join(map(str, elsewhere))}"
