"""The network of an organisation, in a namespace: its name server, its code host, its people, and a gateway that lets nothing out."""

import ctypes
import ipaddress
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

NEW_NETWORK = 0x40000000
NETWORK = ipaddress.ip_network("10.77.0.0/24")
HERE, HOST = "10.77.0.1", "10.77.0.10"
SWITCH = "office0"
INSIDE = "example.internal"
OUTSIDE = "8.8.8.8"
PACKETS_OF_IPV4, ALL_PACKETS, SENT = 0x0800, 0x0003, 4
A_RECORD, NO_SUCH_NAME = 1, 3


@dataclass
class Office:
    """`left` has where packets wanted to go that the gateway saw, `asked` the names of the outside that somebody wanted to know."""

    left: set[tuple[str, int]] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    open: bool = False
    names: dict[str, str] = field(default_factory=dict)  # of further hosts, with their addresses

    def address(self, name: str) -> str | None:
        """What the name server says."""
        if name == f"gitlab.{INSIDE}":
            return HERE
        if name in self.names:
            return self.names[name]
        if name in {f"gitgrit.{INSIDE}", f"galley.{INSIDE}"} or name.endswith(f".preview.{INSIDE}"):
            return HOST
        return OUTSIDE if self.open and not name.endswith(f".{INSIDE}") else None

    def connect(self, pid: int, address: str = HOST) -> None:
        """Give the host of that process its cable, and this address; the gateway here is its only way."""
        cable = f"to{pid}"
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        _ip("link", "set", cable, "master", SWITCH, "up")
        inside = ["nsenter", "--target", str(pid), "--net"]
        for words in (
            f"address add {address}/{NETWORK.prefixlen} dev eth0",
            "link set eth0 up",
            f"route add default via {HERE}",
        ):
            subprocess.run([*inside, "ip", *words.split()], check=True)

    def serve(self) -> None:
        """Begin to be gateway and name server."""
        _ip("link", "set", "lo", "up")
        _ip("link", "add", SWITCH, "type", "bridge")
        _ip("address", "add", f"{HERE}/{NETWORK.prefixlen}", "dev", SWITCH)
        _ip("link", "set", SWITCH, "up")
        threading.Thread(target=self._watch, args=(_captured(SWITCH),), daemon=True, name="gateway").start()
        threading.Thread(target=self._resolve, args=(_served(),), daemon=True, name="names").start()

    @contextmanager
    def with_a_way_out(self) -> Iterator[None]:
        """Somebody has plugged in the internet: an address of it accepts connections, and its names resolve."""
        _ip("address", "add", f"{OUTSIDE}/32", "dev", "lo")
        with socket.create_server((OUTSIDE, 443)):
            self.open = True
            try:
                yield
            finally:
                self.open = False
                _ip("address", "del", f"{OUTSIDE}/32", "dev", "lo")

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Fails if anything meanwhile wanted to leave, or to know a name of the outside."""
        self.left.clear()
        self.asked.clear()
        yield
        assert self.left == set()
        assert self.asked == set()

    def _watch(self, wire: socket.socket) -> None:
        while True:
            packet, (_, kind, direction, *_rest) = wire.recvfrom(128)
            if direction == SENT or kind != PACKETS_OF_IPV4:
                continue
            where, port = _destination(packet)
            if where not in NETWORK and not where.is_multicast:
                self.left.add((str(where), port))

    def _resolve(self, server: socket.socket) -> None:
        while True:
            question, client = server.recvfrom(4096)
            name, kind, end = _read(question)
            found = self.address(name)
            if not name.endswith(f".{INSIDE}"):
                self.asked.add(name)
            with suppress(OSError):
                server.sendto(_answer(question[:end], found, kind), client)


def _destination(packet: bytes) -> tuple[ipaddress.IPv4Address, int]:
    """Where a packet of IPv4 goes, and to which port."""
    header = (packet[14] & 15) * 4
    ports = packet[14 + header : 18 + header]
    return ipaddress.IPv4Address(packet[30:34]), struct.unpack("!HH", ports)[1] if len(ports) == 4 else 0


def _read(question: bytes) -> tuple[str, int, int]:
    """The name that is asked for, the kind of record, and where the question ends."""
    labels, at = [], 12
    while length := question[at]:
        labels.append(question[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    return ".".join(labels).lower(), struct.unpack("!H", question[at + 1 : at + 3])[0], at + 5


def _answer(question: bytes, found: str | None, kind: int) -> bytes:
    """The name's address; no record where another kind is asked for; or that there is no such name."""
    records = int(found is not None and kind == A_RECORD)
    flags = 0x8580 | (0 if found else NO_SUCH_NAME)
    head = question[:2] + struct.pack("!HHHHH", flags, 1, records, 0, 0)
    record = (
        struct.pack("!HHHIH", 0xC00C, A_RECORD, 1, 5, 4) + socket.inet_aton(found)
        if found and records
        else b""
    )
    return head + question[12:] + record


def _captured(device: str) -> socket.socket:
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PACKETS))
    wire.bind((device, ALL_PACKETS))
    return wire


def _served() -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((HERE, 53))
    return server


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def _enter(namespace: int) -> None:
    """Move this thread into a network; threads and processes that it starts are there, too."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def entered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """This thread is in the office until the end."""
    office = Office()
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    look = socket.getaddrinfo

    def known(host: str | bytes | None, *more: object, **rest: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        return look(office.address(name) or name if name else name, *more, **rest)  # type: ignore[arg-type]

    try:
        own = Path("/proc/self/ns/net").stat().st_ino
        while Path(f"/proc/{holder.pid}/ns/net").stat().st_ino == own:
            os.sched_yield()
        there = os.open(f"/proc/{holder.pid}/ns/net", os.O_RDONLY)
        _enter(there)
        os.close(there)
        office.serve()
        monkeypatch.setattr(socket, "getaddrinfo", known)
        yield office
    finally:
        monkeypatch.undo()
        _enter(before)
        os.close(before)
        holder.kill()
        holder.wait()
