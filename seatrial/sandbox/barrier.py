"""The barrier around a child's system calls: a seccomp filter, which nothing can remove once it is set."""

import ctypes
import errno
import functools
import os
import platform
import struct
from collections.abc import Iterator

from seatrial.sandbox import calls

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
INSTRUCTION = struct.Struct("=HBBI")  # what to do, jump if true, jump if false, value
LOAD, EQUAL, GREATER, RETURN = 0x20, 0x15, 0x25, 0x06
NUMBER_AT, MACHINE_AT, SECOND_AT = (
    0,
    4,
    24,
)  # in what the filter sees of a call, on machines that store the low half first
ALLOW, DENY, UNKNOWN = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
NEWEST = 450  # libraries try newer calls first and use older ones if the kernel does not know them


def supported() -> bool:
    """Whether the numbers of this machine's system calls are known."""
    return platform.machine() in calls.ARCHITECTURES


def raise_barrier() -> None:
    """From now on, this process can only make the calls in `calls.TABLE`. Raises OSError if the kernel has no filters."""
    code = _program(platform.machine())
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // INSTRUCTION.size, ctypes.addressof(buffer))
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, MODE_FILTER, program, 0, 0)):
        if libc.prctl(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"the kernel accepts no filter of system calls: {os.strerror(number)}")


@functools.cache
def _program(machine: str) -> bytes:
    return b"".join(INSTRUCTION.pack(*each) for each in _instructions(machine))


def _instructions(machine: str) -> Iterator[tuple[int, int, int, int]]:
    yield LOAD, 0, 0, MACHINE_AT
    yield EQUAL, 1, 0, calls.ARCHITECTURES[machine]
    yield RETURN, 0, 0, DENY
    yield LOAD, 0, 0, NUMBER_AT
    yield GREATER, 0, 1, NEWEST
    yield RETURN, 0, 0, UNKNOWN
    for name, number in calls.numbers(machine).items():
        values = calls.SECOND_ARGUMENT.get(name)
        if values is None:
            yield EQUAL, 0, 1, number
            yield RETURN, 0, 0, ALLOW
        else:
            yield from _with_argument(number, values)
    yield RETURN, 0, 0, DENY


def _with_argument(number: int, values: tuple[int, ...]) -> Iterator[tuple[int, int, int, int]]:
    yield EQUAL, 0, 2 * len(values) + 2, number
    yield LOAD, 0, 0, SECOND_AT
    for value in values:
        yield EQUAL, 0, 1, value
        yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, DENY
