"""One hostile policy, and how it must end."""

from dataclasses import dataclass
from textwrap import indent

PASSED, FAILED, ERRORED, TIMED_OUT = "passed", "failed", "errored", "timed_out"

# Passes if the attack is refused, and says by what; fails if it gets through. `nothing` is for ways that find nothing to attack.
TRIES = """
import ctypes, fcntl, mmap, os, resource, signal, socket, stat, subprocess, sys, threading, time, urllib.request
libc = ctypes.CDLL(None, use_errno=True)
nothing = LookupError("found nothing")

def call(function, *arguments):
    answer = function(*arguments)
    if answer == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer

def system(number, *arguments):
    return call(libc.syscall, ctypes.c_long(number), *arguments)

def attack(project):
{}

def evaluate(project):
    try:
        got = attack(project)
    except Exception as error:
        return {{"passed": True, "message": f"refused: {{type(error).__name__}}"}}
    return {{"passed": False, "message": f"got through: {{got!r}}"[:300]}}
"""


@dataclass(frozen=True)
class Attack:
    """`says` is a part of the message that its result must have. `seconds` and `memory_mb` are the policy's own limits."""

    name: str
    code: str
    state: str
    says: str = ""
    seconds: float = 60.0
    memory_mb: int = 128


def refused(name: str, code: str, why: str = "PermissionError") -> Attack:
    """What `code`, the body of a function of `project`, tries is refused by an error of the kind `why`."""
    return Attack(name, TRIES.format(indent(code.strip("\n"), "    ")), PASSED, f"refused: {why}")


def does(name: str, code: str, state: str, says: str = "", **limits: float) -> Attack:
    """A policy whose `evaluate` has this body."""
    body = indent(code.strip("\n"), "    ")
    return Attack(name, f"def evaluate(project, log):\n{body}\n", state, says, **limits)  # type: ignore[arg-type]
