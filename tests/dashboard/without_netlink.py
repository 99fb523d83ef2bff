"""A program that starts another, which then gets no netlink socket: `without_netlink.py PROGRAM ARGUMENT...`."""

import errno
import os
import socket
import sys

import pyseccomp


def become(program: str, arguments: list[str]) -> None:
    """Does not return."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    family = pyseccomp.Arg(0, pyseccomp.EQ, socket.AF_NETLINK)
    rules.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), "socket", family)
    rules.load()
    os.execv(program, [program, *arguments])


if __name__ == "__main__":
    become(sys.argv[1], sys.argv[2:])
