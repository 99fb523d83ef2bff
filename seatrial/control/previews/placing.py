"""Decides where a deployment goes, from plain values: it can be read, and tested, without a database."""

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.wire.states import AgentState

NO_ENGINE = "process"  # this runtime cannot run every recipe, and isolates nothing
SCARCE_DISK_MB = 2_048  # an agent with less can hardly finish a build, so others come first


@dataclass(frozen=True)
class Member:
    """One agent of the fleet, as of its last heartbeat. `placed`: how many environments may be there."""

    id: str
    name: str
    state: AgentState
    placed: int = 0
    runtime: str = ""
    contains_forks: bool = True  # unless it says otherwise
    cpus: float = 0
    memory_mb: int = 0
    disk_free_mb: int = 0


@dataclass(frozen=True)
class Whereabouts:
    """What placing needs to know of one environment."""

    last: str | None = None  # the agent of the live deployment, or else of the newest
    data: tuple[str, ...] = ()  # services of the live deployment that keep data, on its agent
    data_on: str | None = None
    runtime: str = ""  # what it runs in now; placing never changes that by itself
    from_fork: bool = False


@dataclass(frozen=True)
class Decision:
    """Where it goes, and why. `reason` is for people, and so is `waits_for`: what must change before anything happens, as it
    reads after "waits for"; empty when nothing must.

    `agent` is None when no agent is suitable. `lost` says which data is lost, and why.
    """

    agent: str | None
    reason: str
    waits_for: str = ""
    bound: bool = False
    lost: str = ""

    @classmethod
    def waiting(cls, agent: str | None, what: str, *, bound: bool = False, lost: str = "") -> "Decision":
        """That it waits for `what`, and that this is the reason."""
        return cls(agent, f"waits for {what}", what, bound=bound, lost=lost)


def decide(fleet: Sequence[Member], facts: Whereabouts) -> Decision:
    """Where the next deployment of an environment goes.

    1. Pinned: if services keep data, it goes where their data is. A draining agent keeps it; it waits for an offline
       one; only when that agent is revoked, the data is given up.
    2. Sticky: otherwise it stays on its agent, while that is online.
    3. Otherwise it goes to the online agent with the fewest environments for its size, to one with a container engine
       first; ties are decided by id.

    What is from a fork goes to an agent that has the walls for it, if one of those online has; else it is refused where it goes.
    """
    members = {member.id: member for member in fleet}
    holder = members.get(facts.data_on or "") if facts.data else None
    if holder is not None and holder.state != AgentState.REVOKED:
        return _bound(holder, facts)
    lost = _lost(holder, facts) if facts.data else ""
    last = members.get(facts.last or "")
    fleet = _containing(fleet, facts)
    if last in fleet and last is not None and _suitable(last, facts):
        return Decision(last.id, f"agent {last.name} has run it so far", lost=lost)
    suitable = sorted((member for member in fleet if _suitable(member, facts)), key=_load)
    if not suitable:
        return Decision.waiting(None, _nobody(fleet, facts, last), lost=lost)
    chosen = suitable[0]
    why = f"agent {last.name} is {last.state}: " if last is not None and not _online(last) else ""
    return Decision(chosen.id, f"{why}agent {chosen.name} has room", lost=lost)


def _bound(holder: Member, facts: Whereabouts) -> Decision:
    has = f"it has the data of {listed(facts.data)}"
    if holder.state == AgentState.OFFLINE:
        return Decision.waiting(holder.id, f"agent {holder.name}, which is offline: {has}", bound=True)
    if holder.state == AgentState.DRAINING:
        return Decision(holder.id, f"stays on agent {holder.name}, which is draining: {has}", bound=True)
    return Decision(holder.id, f"stays on agent {holder.name}: {has}", bound=True)


def _lost(holder: Member | None, facts: Whereabouts) -> str:
    where = f"agent {holder.name}, which is revoked" if holder else "an agent that is gone"
    return f"The data of {listed(facts.data)} was on {where}: this deployment begins without it."


def _nobody(fleet: Sequence[Member], facts: Whereabouts, last: Member | None) -> str:
    """What is waited for when no agent is suitable."""
    if any(_online(member) for member in fleet):
        return f"an agent that runs {facts.runtime}: none of those online does"
    if last is not None:
        return f"an agent: {last.name} is {last.state}, and no other is online"
    return "an agent: none is online"


def _suitable(member: Member, facts: Whereabouts) -> bool:
    return _online(member) and facts.runtime in {"", member.runtime}


def _containing(fleet: Sequence[Member], facts: Whereabouts) -> Sequence[Member]:
    walled = [member for member in fleet if member.contains_forks]
    return walled if facts.from_fork and any(_suitable(member, facts) for member in walled) else fleet


def _online(member: Member) -> bool:
    return member.state == AgentState.ONLINE


def with_engine(fleet: Sequence[Member]) -> list[Member]:
    """Those that may run what was refused for lack of a container engine."""
    return [member for member in fleet if member.runtime not in {"", NO_ENGINE}]


def _load(member: Member) -> tuple[bool, bool, float, int, str]:
    scarce = member.disk_free_mb < SCARCE_DISK_MB
    return (
        member.runtime == NO_ENGINE,
        scarce,
        member.placed / max(member.cpus, 1),
        -member.memory_mb,
        member.id,
    )


def listed(names: Sequence[str]) -> str:
    """For people: `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
