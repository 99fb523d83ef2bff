"""How much the services of a project's previews may use together, what they do, and whether one more deployment fits.

Everything is told from the rows, never counted along: nothing that dies in the middle leaves a reservation behind. An
environment counts with what its live deployment or its admitted candidate may use, whichever is more. While a push
replaces a preview both versions run, as with an agent's own total of each preview, and what is being removed may still
run for a moment. A stopped environment counts as before until it ends, so that an undo never exceeds the total.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import reduce

from django.conf import settings

from seatrial.control.previews.models import Environment
from seatrial.wire.counted import counted
from seatrial.wire.sizes import gigabytes
from seatrial.wire.states import EnvironmentState

HARDLY = 1e-6  # sums of fractions are a little off
LIVE, KEPT = ("live__cpus", "live__memory_mb"), ("kept__cpus", "kept__memory_mb")
CANDIDATE = ("candidate__cpus", "candidate__memory_mb")


@dataclass(frozen=True)
class Amount:
    """CPUs and memory."""

    cpus: float = 0.0
    memory_mb: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.cpus + other.cpus, self.memory_mb + other.memory_mb)

    def __or__(self, other: "Amount") -> "Amount":
        """The greater of both, of each kind."""
        return Amount(max(self.cpus, other.cpus), max(self.memory_mb, other.memory_mb))


@dataclass(frozen=True)
class Kind:
    """One of the two, with its words and the setting that limits it."""

    name: str
    unit: str
    short: str  # the unit, where the name stands before it
    setting: str
    of: Callable[[Amount], float]
    said: Callable[[Amount], str]


NOTHING = Amount()
KINDS = (
    Kind(
        name="memory",
        unit="GB of memory",
        short=" GB",
        setting="GALLEY_MAX_PROJECT_MEMORY",
        of=lambda amount: amount.memory_mb,
        said=lambda amount: gigabytes(amount.memory_mb),
    ),
    Kind(
        name="CPUs",
        unit="CPUs",
        short="",
        setting="GALLEY_MAX_PROJECT_CPUS",
        of=lambda amount: amount.cpus,
        said=lambda amount: f"{round(amount.cpus, 2):g}",
    ),
)


def total() -> Amount:
    """The most that the previews of one project may use together; 0: no limit."""
    configuration = settings.CONFIGURATION
    return Amount(configuration.galley_max_project_cpus, configuration.galley_max_project_memory)


def used(projects: Iterable[str]) -> dict[str, dict[str, Amount]]:
    """{project: {environment: what it counts with}}, only of those that count; one query."""
    living = Environment.objects.filter(project__in=list(projects)).exclude(state=EnvironmentState.TERMINATED)
    rows = living.order_by("pk").values_list(
        "project_id", "pk", *LIVE, *KEPT, "candidate__admitted_at", *CANDIDATE
    )
    found: dict[str, dict[str, Amount]] = defaultdict(dict)
    for project, environment, *told in rows:
        live, kept, (admitted_at, *candidate) = told[:2], told[2:4], told[4:]
        admitted = _known(*candidate) if admitted_at is not None else NOTHING
        amount = _known(*live) | _known(*kept) | admitted
        if amount != NOTHING:
            found[project][environment] = amount
    return found


def summed(amounts: Iterable[Amount]) -> Amount:
    """All of them together."""
    return reduce(Amount.__add__, amounts, NOTHING)


def used_of_total(project: str) -> list[str]:
    """`6 of 100 GB of memory` and the same of CPUs, without "of 100" where there is no limit; none if nothing is used."""
    amount, most = summed(used([project]).get(project, {}).values()), total()
    if amount == NOTHING:
        return []
    limits = [f" of {kind.said(most)}" if kind.of(most) else "" for kind in KINDS]
    return [f"{kind.said(amount)}{limit} {kind.unit}" for kind, limit in zip(KINDS, limits, strict=True)]


def too_large(asked: Amount, most: Amount) -> str:
    """Why a preview can never start, however little the others use; empty if it can."""
    for kind in KINDS:
        limit = kind.of(most)
        if limit and kind.of(asked) > limit + HARDLY:
            return (
                f"Its services together ask for {kind.said(asked)} {kind.unit}, and all previews of a project get at most "
                f"{kind.said(most)}{kind.short}. Lower what they ask for, leave services out, or raise {kind.setting}."
            )
    return ""


def shortage(project: str, asked: Amount, own: Amount, others: Collection[Amount], most: Amount) -> str:
    """What is missing for a deployment that asks for `asked`, to be read after "waits for"; empty if it fits.

    `own`: what its environment counts with already. It may use that much again, or nobody could push to a preview that runs.
    `others`: what the project's other environments count with.
    """
    taken = summed(others)
    for kind in KINDS:
        limit, wanted = kind.of(most), kind.of(asked)
        if limit and wanted > kind.of(own) + HARDLY and kind.of(taken) + wanted > limit + HARDLY:
            return (
                f"{kind.name} of project {project}: {kind.said(taken)} of {kind.said(most)}{kind.short} are used by "
                f"{counted(len(others), 'other preview')}, and it asks for {kind.said(asked)}{kind.short}. "
                "Stop one, whose room comes free when that can no longer be undone (GALLEY_UNDO_SECONDS), or close its "
                f"pull request, or raise {kind.setting}"
            )
    return ""


def _known(cpus: float | None, memory_mb: int | None) -> Amount:
    """What nobody has told yet counts as nothing: it may not start before it is told, or its agent is an old one."""
    return Amount(cpus or 0.0, memory_mb or 0)
