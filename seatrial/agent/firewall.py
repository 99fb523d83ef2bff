"""Rules of the host's packet filter. They match only our own interfaces and users, last until the host restarts, and are
shared by all agents of a host: putting them up is idempotent, and no agent removes them.

A kernel has two of these filters, and iptables speaks to one of them. An agent in a container brings an iptables of its own:
the rules go to the filter that the engine uses, which is where its chain is.
"""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.agent.commands.children import Errors
from seatrial.agent.commands.programs import find
from seatrial.agent.commands.running import run
from seatrial.agent.vocabulary.whole import whole

Rule = Sequence[str]
LINK_LOCAL = "169.254.0.0/16"  # where clouds answer with the host's own credentials
IPV4, IPV6 = "iptables", "ip6tables"
PREVIEW_INTERFACES = "galley+"
BUILDS_INTERFACE = "galley-builds"  # of a BuildKit of its own, in deploy/compose.yaml; a hash has no hyphen
FILTERS = ("", "-nft", "-legacy")  # what programs for each are called; first the host's own choice
ENGINE_CHAIN = "DOCKER-USER"
TURN = Path("/run/galley-firewall.lock")
TURN_SECONDS, LOOK_SECONDS = 30.0, 0.02


def available() -> bool:
    """Whether rules can be put up here at all: this needs root and iptables."""
    return os.geteuid() == 0 and find("iptables") is not None


def has_ipv6() -> bool:
    """Whether the kernel supports IPv6."""
    return Path("/proc/net/if_inet6").exists()


@contextlib.asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """While no other agent of this host makes rules from what the engine has: those of an older list would lack what came meanwhile.
    The kernel ends the turn of an agent that is killed; one that takes too long is not waited for."""
    with contextlib.ExitStack() as opened:
        file = _turn(opened)
        until = time.monotonic() + TURN_SECONDS
        while file is not None and not _taken(file) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        yield


def _turn(opened: contextlib.ExitStack) -> int | None:
    """None: this is not root, who alone makes rules."""
    try:
        return opened.enter_context(TURN.open("a")).fileno()
    except OSError:
        return None


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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


@dataclass(frozen=True)
class Chain:
    """All `rules` of a chain in a table, and the `jumps` to it; each jump begins with the chain it is added to."""

    table: str
    name: str
    rules: Sequence[Rule]
    jumps: Sequence[Rule]

    def stands_in(self, saved: str) -> bool:
        """Whether all of it seems to be in force; a rule that somebody changed is not noticed."""
        return self._count(saved) == len(self.rules) and not list(self.missing_jumps(saved))

    def flushed_in(self, saved: str) -> bool:
        """Whether somebody removed it, and did not merely put other rules into it."""
        return not self._count(saved) or bool(list(self.missing_jumps(saved)))

    def _count(self, saved: str) -> int:
        return sum(line.startswith(f"-A {self.name} ") for line in saved.splitlines())

    def missing_jumps(self, saved: str) -> Iterator[str]:
        """Jumps that are not in force, as lines that insert them."""
        lines = set(saved.splitlines())
        for first, *rest in self.jumps:
            if f"-A {first} {' '.join(rest)} -j {self.name}" not in lines:
                yield f"-I {first} {' '.join(rest)} -j {self.name}"

    def restored(self, saved: str) -> Iterator[str]:
        """Lines that make it whole, for the program that restores."""
        yield f":{self.name} - [0:0]"
        yield from (f"-A {self.name} {' '.join(rule)}" for rule in self.rules)
        yield from self.missing_jumps(saved)


async def in_force(program: str = IPV4) -> str | None:
    """All rules of all tables, as `iptables-save` says them; None if that cannot be known here."""
    path = find(f"{program}{await engine_filter()}-save")
    if path is None:
        return None
    done = await whole(run)([path], errors=Errors.DROPPED)
    return done.text if done.code == 0 else None


async def make_whole(chains: Sequence[Chain], saved: str, program: str = IPV4) -> bool:
    """Make every chain what it says, in one step for each table, and add the jumps that `saved` lacks. Returns False if that is not
    possible here."""
    path = find(f"{program}{await engine_filter()}-restore")
    if path is None:
        return False
    lines: list[str] = []
    for table in dict.fromkeys(chain.table for chain in chains):
        mine = [chain for chain in chains if chain.table == table]
        lines += [f"*{table}", *(line for chain in mine for line in chain.restored(saved)), "COMMIT", ""]
    command = [path, "--noflush", "-w", "5"]
    return (await whole(run)(command, stdin="\n".join(lines).encode(), errors=Errors.DROPPED)).code == 0


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


def forwarding_in(saved: str) -> str:
    """The same, by what is in force."""
    return ENGINE_CHAIN if f":{ENGINE_CHAIN} " in saved else "FORWARD"


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
