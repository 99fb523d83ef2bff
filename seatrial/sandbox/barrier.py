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
NUMBER_AT, MACHINE_AT = 0, 4  # in what the filter sees of a call
ALLOW, DENY, UNKNOWN = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
NEWEST = 450  # libraries try newer calls first and use older ones if the kernel does not know them


def supported() -> bool:
    """Whether the numbers of this machine's system calls are known."""
    return platform.machine() in calls.ARCHITECTURES


def raise_barrier(*, networked: bool = False) -> None:
    """From now on, this process can only make the calls in `calls.TABLE`; `networked`: those in `calls.NETWORKED`, too. Raises
    OSError if the kernel has no filters."""
    code = _program(platform.machine(), networked)
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // INSTRUCTION.size, ctypes.addressof(buffer))
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, MODE_FILTER, program, 0, 0)):
        if libc.prctl(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"the kernel accepts no filter of system calls: {os.strerror(number)}")


@functools.cache
def _program(machine: str, networked: bool) -> bytes:
    return b"".join(INSTRUCTION.pack(*each) for each in _instructions(machine, networked))


def _instructions(machine: str, networked: bool) -> Iterator[tuple[int, int, int, int]]:
    yield LOAD, 0, 0, MACHINE_AT
    yield EQUAL, 1, 0, calls.ARCHITECTURES[machine]
    yield RETURN, 0, 0, DENY
    yield LOAD, 0, 0, NUMBER_AT
    yield GREATER, 0, 1, NEWEST
    yield RETURN, 0, 0, UNKNOWN
    for name, number in calls.numbers(machine, networked=networked).items():
        permitted = [*_checks(calls.arguments(name)), (RETURN, 0, 0, ALLOW)]
        yield EQUAL, 0, len(permitted), number
        yield from permitted
    yield RETURN, 0, 0, DENY


def _checks(arguments: list[tuple[int, tuple[int, ...]]]) -> Iterator[tuple[int, int, int, int]]:
    """Goes on behind itself if each argument has one of its values."""
    for place, values in arguments:
        yield LOAD, 0, 0, place
        for left, value in zip(range(len(values), 0, -1), values, strict=True):
            yield EQUAL, left, 0, value
        yield RETURN, 0, 0, DENY
