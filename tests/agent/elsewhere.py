"""Somewhere that is neither this host nor a network of its engine: a network namespace with a listener on every address, of a
private network and of what stands for the internet (of documentation: nobody has it)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MARK = f"st{os.getpid() % 100_000}"
LISTEN = """
import selectors, socket, sys
waiting = selectors.DefaultSelector()
for port in sys.argv[1:]:
    waiting.register(socket.create_server(("0.0.0.0", int(port))), selectors.EVENT_READ)
print("listens", flush=True)
while True:
    for key, _ in waiting.select():
        key.fileobj.accept()[0].close()
"""


@dataclass(frozen=True)
class Elsewhere:
    """Its addresses. Connections to `ports` are accepted, and closed at once."""

    private: str
    internet: str
    shared: str  # of carriers, between the two
    metadata: str
    ports: tuple[int, int] = (8080, 53)


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """It is there while the context lasts. Traffic to it leaves this host by an interface of its own."""
    number = os.getpid() % 250 + 1
    place = Elsewhere(
        f"10.77.{number}.9", f"198.51.100.{number}", f"100.99.{number}.9", f"169.254.{number}.88"
    )
    here, there = f"10.78.{number}.1", f"10.78.{number}.2"
    inside = ["ip", "-n", MARK]
    try:
        _run("ip", "netns", "add", MARK)
        _run("ip", "link", "add", MARK, "type", "veth", "peer", "name", "eth0", "netns", MARK)
        _run("ip", "addr", "add", f"{here}/30", "dev", MARK)
        _run("ip", "link", "set", MARK, "up")
        _run(*inside, "addr", "add", f"{there}/30", "dev", "eth0")
        _run(*inside, "link", "set", "eth0", "up")
        _run(*inside, "link", "set", "lo", "up")
        _run(*inside, "route", "add", "default", "via", here)
        for address in (place.private, place.internet, place.shared, place.metadata):
            _run(*inside, "addr", "add", f"{address}/32", "dev", "lo")
            _run("ip", "route", "add", f"{address}/32", "via", there)
        command = ["ip", "netns", "exec", MARK, sys.executable, "-c", LISTEN, *map(str, place.ports)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
            assert listener.stdout is not None and listener.stdout.readline() == "listens\n"
            yield place
            listener.kill()
    finally:
        subprocess.run(["ip", "netns", "del", MARK], check=False)
        subprocess.run(["ip", "link", "del", MARK], check=False, capture_output=True)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
