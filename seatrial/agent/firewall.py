"""Rules of the host's packet filter. They match only our own interfaces and users, last until the host restarts, and are
shared by all agents of a host: putting them up is idempotent, and no agent removes them.

A kernel has two of these filters, and iptables speaks to one of them. An agent in a container brings an iptables of its own:
the rules go to the filter that the engine uses, which is where its chain is.
"""

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
FILTERS = ("", "-nft", "-legacy")  # what programs for each are called; first the host's own choice
ENGINE_CHAIN = "DOCKER-USER"


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
    ours = program + await engine_filter()
    await _run(ours, "-N", chain)
    for rule in rules:
        if not await _run(ours, "-C", chain, *rule) and not await _run(ours, "-A", chain, *rule):
            return False
    return all([await _insert("filter", (*jump, "-j", chain), ours) for jump in jumps])


async def insert(table: str, rule: Rule, *, program: str = IPV4) -> bool:
    """Insert a rule at the top of its chain, which is its first word, unless it is there."""
    return await _insert(table, rule, program + await engine_filter())


async def put_in_place(table: str, chain: str, rules: Sequence[Rule], *jumps: Rule) -> bool:
    """Make `rules` all that is in `chain`, in one step, and put up the `jumps` to it. Returns False if that is not possible here."""
    which = await engine_filter()
    restore = find(f"{IPV4}{which}-restore")
    if restore is None:
        return False
    lines = [
        f"*{table}",
        f":{chain} - [0:0]",
        *(f"-A {chain} {' '.join(rule)}" for rule in rules),
        "COMMIT",
        "",
    ]
    command = [restore, "--noflush", "-w", "5"]
    done = await whole(run)(command, stdin="\n".join(lines).encode(), errors=Errors.DROPPED)
    return done.code == 0 and all(
        [await _insert(table, (*jump, "-j", chain), IPV4 + which) for jump in jumps]
    )


async def forwarding() -> str:
    """The chain for our rules about what is passed on: the engine's own for this, which comes before all of its others."""
    return ENGINE_CHAIN if await _run(IPV4 + await engine_filter(), "-S", ENGINE_CHAIN) else "FORWARD"


async def engine_filter() -> str:
    """Which of FILTERS has the engine's chain; the host's own choice, if none has: an engine may use no filter."""
    for one in FILTERS:
        if await _run(IPV4 + one, "-S", ENGINE_CHAIN):
            return one
    return ""


async def _insert(table: str, rule: Rule, program: str) -> bool:
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
