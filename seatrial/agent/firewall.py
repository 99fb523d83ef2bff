"""Rules of the host's packet filter. They name only what is ours, stand until the host restarts, and are shared by
every agent of a host: putting them up again is harmless, and nobody takes them down."""

import asyncio
import os
from collections.abc import Sequence

from seatrial.agent.builds.account import find

Rule = Sequence[str]
LINK_LOCAL = "169.254.0.0/16"  # where clouds answer with the host's own credentials
PREVIEW_INTERFACES = "galley+"


def available() -> bool:
    """Whether rules can be put up here at all: as root, with iptables."""
    return os.geteuid() == 0 and find("iptables") is not None


async def put_up(chain: str, rules: Sequence[Rule], jump: Rule) -> bool:
    """`chain` with `rules`, and `jump` to it, which begins with the chain it is put into. False: not possible here.

    The jump is made last: a chain that lacks a rule decides nothing.
    """
    await _iptables("-N", chain)
    for rule in rules:
        if not await _iptables("-C", chain, *rule) and not await _iptables("-A", chain, *rule):
            return False
    return await insert("filter", (*jump, "-j", chain))


async def insert(table: str, rule: Rule) -> bool:
    """Put one rule at the top of the chain that it begins with, unless it is there."""
    if await _iptables("-t", table, "-C", *rule):
        return True
    return await _iptables("-t", table, "-I", *rule)


async def _iptables(*arguments: str) -> bool:
    process = await asyncio.create_subprocess_exec(
        find("iptables") or "iptables", "-w", "5", *arguments,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return await process.wait() == 0
