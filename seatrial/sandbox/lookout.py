"""`python3 -m seatrial.sandbox.lookout QUESTION`: says what a sandbox can reach from where it is, as one line of JSON.

QUESTION is JSON: `names` to look up, `servers` (resolvers, by address) to ask for them, `outside` ([host, port]) to connect to,
`seconds` for all of it. Without servers the container's own resolver is asked. Everything is tried at the same time, and what has no
answer in time has the problem that it has none. Nothing is sent but questions to resolvers, and no connection is used.
"""

import json
import os
import socket
import struct
import sys
from concurrent.futures import Future, ThreadPoolExecutor, wait

from seatrial.sandbox.network import networked

DNS_PORT = 53
TYPES = {"A": (1, socket.AF_INET), "AAAA": (28, socket.AF_INET6)}
POINTER = 0xC0
CODES = {
    1: "does not understand the question",
    2: "fails",
    3: "knows no such name",
    5: "refuses",
}
Answer = dict[str, object]


class NoAnswer(Exception):
    """A resolver gave no address; the text says why."""


def main() -> int:
    """Try everything and print it. Threads that still wait are left behind."""
    asked = json.loads(sys.argv[1])
    line = json.dumps(look(asked["names"], asked["servers"], asked["outside"], asked["seconds"]))
    os.write(1, line.encode() + b"\n")
    os._exit(0)


def look(
    names: list[str], servers: list[str], outside: list[tuple[str, int]], seconds: float
) -> dict[str, object]:
    """What can be reached."""
    each = seconds / 2
    with_servers = [(f"{name} {server}", name, server) for server in servers for name in names]
    threads = ThreadPoolExecutor(max(1, len(with_servers) + len(names) + len(outside)))
    tried: dict[str, list[tuple[str, Future[list[str]]]]] = {
        "servers": [
            (key, threads.submit(asked_of, server, name, each)) for key, name, server in with_servers
        ],
        "names": [] if servers else [(name, threads.submit(looked_up, name)) for name in names],
        "outside": [
            (f"{host} {port}", threads.submit(connected, host, port, each)) for host, port in outside
        ],
    }
    wait([future for group in tried.values() for _, future in group], timeout=seconds)
    said: dict[str, object] = {
        group: {key: _said(future) for key, future in futures} for group, futures in tried.items()
    }
    threads.shutdown(wait=False)
    return {"kernel": os.uname().release, "networked": networked(), **said}


def _said(future: "Future[list[str]]") -> Answer:
    if not future.done():
        return {"problem": "no answer in time"}
    try:
        return {"addresses": future.result()}
    except (OSError, UnicodeError, NoAnswer) as error:
        return {"problem": str(error) or type(error).__name__}


def looked_up(name: str) -> list[str]:
    """The addresses of `name` by the container's own resolver."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return sorted({str(entry[4][0]) for entry in found})


def connected(host: str, port: int, seconds: float) -> list[str]:
    """The address to which a connection was opened, and closed at once."""
    with socket.create_connection((host, port), timeout=seconds) as connection:
        return [str(connection.getpeername()[0])]


def asked_of(server: str, name: str, seconds: float) -> list[str]:
    """The addresses of `name` by the resolver at `server`."""
    problem = NoAnswer("has no address for it")
    for kind, family in TYPES.values():
        number = int.from_bytes(os.urandom(2), "big")
        try:
            if found := addresses(
                _exchanged(server, question(name, kind, number), seconds), number, kind, family
            ):
                return found
        except NoAnswer as error:
            problem = error
    raise problem


def _exchanged(server: str, data: bytes, seconds: float) -> bytes:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as line:
        line.settimeout(seconds / len(TYPES))
        line.connect((server, DNS_PORT))
        line.send(data)
        return line.recv(4096)


def question(name: str, kind: int, number: int) -> bytes:
    """A question for a resolver (RFC 1035)."""
    labels = name.rstrip(".").encode("ascii").split(b".")
    if any(not 0 < len(label) < 64 for label in labels):
        raise NoAnswer("is no name that a resolver can be asked for")
    written = b"".join(bytes([len(label)]) + label for label in labels)
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + written + struct.pack(">BHH", 0, kind, 1)


def addresses(answer: bytes, number: int, kind: int, family: int) -> list[str]:
    """The addresses in a resolver's answer. Raises NoAnswer."""
    try:
        theirs, flags, questions, answers = struct.unpack_from(">HHHH", answer)
        if theirs != number or not flags & 0x8000:
            raise NoAnswer("sent something that is no answer")
        if code := flags & 0xF:
            raise NoAnswer(CODES.get(code, f"answers with error {code}"))
        place = 12
        for _ in range(questions):
            place = _after_name(answer, place) + 4
        found = []
        for _ in range(answers):
            place = _after_name(answer, place)
            of, _, _, length = struct.unpack_from(">HHIH", answer, place)
            if of == kind:
                found.append(socket.inet_ntop(family, answer[place + 10 : place + 10 + length]))
            place += 10 + length
    except (struct.error, IndexError, ValueError) as error:
        raise NoAnswer("sent an answer that cannot be read") from error
    return found


def _after_name(data: bytes, place: int) -> int:
    while length := data[place]:
        if length >= POINTER:
            return place + 2
        place += length + 1
    return place + 1


if __name__ == "__main__":
    sys.exit(main())
