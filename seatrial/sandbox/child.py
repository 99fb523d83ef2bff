"""A child's whole life: wait for one policy, run it, report the outcome, end."""

import contextlib
import gc
import json
import math
import os
import random
import socket
import sys
import traceback
from typing import Any, NoReturn

from seatrial.sandbox import limits, policy
from seatrial.sandbox.frames import Decoder, Frame, Kind, encode
from seatrial.sandbox.project import Project, Refused
from seatrial.sandbox.quarters import Quarters

CHANNEL_FD = 3
MAX_FILES = 256  # that the warden may have open: a child closes all it has inherited
MAX_ANSWER = 32 << 20
MAX_RESULT = 1 << 20
MEMORY_KEPT = (
    8 << 20
)  # that a policy may have used whose child does not end at once: its siblings need the memory


REHEARSAL = {
    "slug": "rehearsal",
    "params": {},
    "code": """
import json, re
from posixpath import basename
CODE = re.compile(r"(^|/)(tests?|docs?)/|[.](py|[jt]sx?|go|rs)$", re.I | re.M)

class Kind:
    def __init__(self, path):
        self.path = path

def evaluate(project, params):
    files = project.list_files()
    code = [path for path in files if CODE.search(path)]
    kinds = {basename(path): Kind(path) for path in code}
    text = chr(10).join(files)
    lines = [(number, line) for number, line in enumerate(text.split(chr(10)), 1) if line.endswith(".py")]
    return {"passed": True, "score": 100, "message": f"{len(code):,} {len(kinds)} {len(lines)}", "findings": []}
""",
}


class HostGone(BaseException):
    """The pipe to the warden is closed: nothing more can be sent."""


class Line:
    """The child's end of the pipe to the warden."""

    def __init__(self, connection: socket.socket, channel: int) -> None:
        self._connection = connection
        self._channel = channel
        self._decoder = Decoder(MAX_ANSWER)
        self._ahead: dict[str, tuple[int, Any]] = {}
        self.used: list[int] = []  # of the answers that were there before they were asked for

    def know(self, answers: dict[str, Any]) -> None:
        """Take answers to what will probably be asked, each for once."""
        self._ahead = {asked: (number, value) for number, (asked, value) in enumerate(answers.items())}

    def receive(self) -> Frame:
        """Wait for the next frame."""
        while True:
            frame = self._decoder.next()
            if frame is not None:
                return frame
            data = self._connection.recv(1 << 18)
            if not data:
                raise HostGone
            self._decoder.feed(data)

    def send(self, kind: Kind, value: Any) -> None:
        """Send one frame."""
        self._connection.sendall(encode(kind, self._channel, value))

    def ask(self, method: str, arguments: list[Any]) -> Any:
        """Ask the host and wait for its answer, unless it is there already."""
        if self._ahead and (known := self._ahead.pop(json.dumps([method, arguments]), None)):
            self.used.append(known[0])
            return known[1]
        self.send(Kind.ASK, [method, arguments])
        answer = json.loads(self.receive().body)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["value"]

    def log(self, level: str, message: str) -> None:
        """Pass on one logged line."""
        self.send(Kind.LOG, [level[:10], message[:2000]])


class Unheard:
    """A line of which nobody holds the other end: what is sent is lost, and every answer is the same."""

    def send(self, kind: Kind, value: Any) -> None:
        """Encode, and send nothing."""
        encode(kind, 0, value)

    def ask(self, method: str, arguments: list[Any]) -> Any:
        """Paths, whatever is asked."""
        self.send(Kind.ASK, [method, arguments])
        decoder = Decoder(MAX_ANSWER)
        decoder.feed(encode(Kind.ANSWER, 0, {"value": [f"src/package/module_{n}.py" for n in range(2_000)]}))
        frame = decoder.next()
        return json.loads(frame.body)["value"] if frame else []

    def log(self, level: str, message: str) -> None:
        """Nobody reads it."""


def live(connection: socket.socket, output: int, channel: int, quarters: Quarters) -> NoReturn:
    """Run as a child until the process ends. Never returns into the warden's code, whatever the policy does."""
    status = 1
    try:
        line = _settle(connection, output, channel)
        limits.become(quarters)
        _rehearse()
        random.seed()
        _serve(line)
        status = 0
    except HostGone:
        pass
    except BaseException:
        traceback.print_exc()  # goes to the output, which the host shows beside "ended without a result"
    finally:
        os._exit(status)


def _settle(connection: socket.socket, output: int, channel: int) -> Line:
    """Close all descriptors but /dev/null for reading, the output pipe for printing, and the line to the warden."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(connection.detach(), CHANNEL_FD)
    os.closerange(CHANNEL_FD + 1, MAX_FILES)
    return Line(socket.socket(fileno=CHANNEL_FD), channel)


def _rehearse() -> None:
    """Run a policy that nobody wrote, while the child waits anyway: what every policy touches is the child's own from then on, and
    takes no time of the real one."""
    _outcome(Unheard(), REHEARSAL)
    gc.collect()
    gc.freeze()


def _serve(line: Line) -> None:
    job = json.loads(line.receive().body)
    limits.bound(job["memory_mb"], math.ceil(job["timeout_seconds"]) + 2)
    line.know(job.get("ahead", {}))
    before = limits.most_memory()
    outcome = _outcome(line, job)
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    line.send(Kind.RESULT, {**outcome, "used": line.used})
    if limits.most_memory() - before < MEMORY_KEPT:
        line.receive()  # nothing more comes: the warden ends the child when it has time


def _outcome(line: Line | Unheard, job: dict[str, Any]) -> dict[str, Any]:
    file = f"{job['slug']}.py"
    offer = {"project": Project(line.ask), "log": policy.Log(line.log), "params": job["params"]}
    try:
        return _returned(policy.run(file, job["code"], offer))
    except HostGone:
        raise
    except MemoryError:
        return {"memory": True}
    except BaseException as error:  # SystemExit and its like are the policy's errors too
        return {"raised": _explained(error, file)}


def _returned(value: Any) -> dict[str, Any]:
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return {"raised": f"evaluate() returned a value that JSON cannot hold: {error}"}
    if len(text) > MAX_RESULT:
        return {"raised": f"evaluate() returned {len(text):,} bytes as JSON; the limit is {MAX_RESULT:,}"}
    return {"returned": value}


def _explained(error: BaseException, file: str) -> str:
    gc.collect()
    try:
        return policy.explain(error, file)
    except BaseException:
        return f"{type(error).__name__} (and it cannot be shown)"
