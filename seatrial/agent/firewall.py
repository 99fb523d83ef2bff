"""Rules of the host's packet filter. They match only our own interfaces and users, last until the host restarts, and are
shared by all agents of a host: putting them up is idempotent, and no agent removes them."""

import os
from collections.abc import Sequence
from pathlib import Path

from seatrial.agent.commands.children import Errors
from seatrial.agent.commands.programs import find
from seatrial.agent.commands.running import run
from seatrial.agent.vocabulary.whole import whole

Rule = Sequence[str]
LINK_LOCAL = "169.254.0.0/16"  # where clouds answer with the host's own credentials
IPV4, IPV6 = "iptables", "ip6tables"
PREVIEW_INTERFACES = "galley+"


def available() -> bool:
    """Whether rules can be put up here at all: this needs root and iptables."""
    return os.geteuid() == 0 and find("iptables") is not None


def has_ipv6() -> bool:
    """Whether the kernel supports IPv6."""
    return Path("/proc/net/if_inet6").exists()


async def put_up(chain: str, rules: Sequence[Rule], *jumps: Rule, program: str = IPV4) -> bool:
    """Put up `chain` with `rules`, and the `jumps` to it; each jump begins with the chain it is added to. Returns False if
    that is not possible here.

    The jumps are added last, so that an incomplete chain has no effect.
    """
    await _run(program, "-N", chain)
    for rule in rules:
        if not await _run(program, "-C", chain, *rule) and not await _run(program, "-A", chain, *rule):
            return False
    return all([await insert("filter", (*jump, "-j", chain), program=program) for jump in jumps])


async def insert(table: str, rule: Rule, *, program: str = IPV4) -> bool:
    """Insert a rule at the top of its chain, which is its first word, unless it is there."""
    if await _run(program, "-t", table, "-C", *rule):
        return True
    return await _run(program, "-t", table, "-I", *rule)


@whole
async def _run(program: str, *arguments: str) -> bool:
    """Run iptables; returns whether it succeeded. Runs to its end even if cancelled, so that no half-made rule is left."""
    path = find(program)
    if path is None:
        return False
    return (await run([path, "-w", "5", *arguments], errors=Errors.DROPPED)).code == 0
