"""How much the services of a project's previews may use together, what they do, and whether one more deployment fits.

A project's total is the server's (`GALLEY_MAX_PROJECT_*`), or less if an admin gave the project a quota of its own.

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
from seatrial.control.projects.models import Project
from seatrial.wire.counted import counted
from seatrial.wire.sizes import gigabytes
from seatrial.wire.states import EnvironmentState

HARDLY = 1e-6  # sums of fractions are a little off
LIVE, KEPT = ("live__cpus", "live__memory_mb"), ("kept__cpus", "kept__memory_mb")
CANDIDATE = ("candidate__cpus", "candidate__memory_mb")


@dataclass(frozen=True)
class Amount:
    """CPUs, memory and previews."""

    cpus: float = 0.0
    memory_mb: int = 0
    previews: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            self.cpus + other.cpus, self.memory_mb + other.memory_mb, self.previews + other.previews
        )

    def __or__(self, other: "Amount") -> "Amount":
        """The greater of both, of each kind."""
        return Amount(
            max(self.cpus, other.cpus),
            max(self.memory_mb, other.memory_mb),
            max(self.previews, other.previews),
        )


@dataclass(frozen=True)
class Total:
    """The most that a project's previews may use together, 0 being no limit, and what the server allows every project."""

    most: Amount
    of_server: Amount

    @property
    def limits(self) -> bool:
        """Whether there is any."""
        return self.most != NOTHING


@dataclass(frozen=True)
class Kind:
    """One of the three, with its words and the setting that limits it."""

    name: str
    unit: str
    short: str  # the unit, where the name stands before it
    setting: str
    of: Callable[[Amount], float]
    said: Callable[[Amount], str]

    def remedy(self, total: Total) -> str:
        """What to raise for more of it, at the end of a sentence."""
        own = self.of(total.most) != self.of(total.of_server)
        return "raise the quota in the project's settings" if own else f"raise {self.setting}"


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
    Kind(
        name="previews",
        unit="previews",
        short="",
        setting="GALLEY_MAX_PROJECT_PREVIEWS",
        of=lambda amount: amount.previews,
        said=lambda amount: str(amount.previews),
    ),
)


def total(project: Project) -> Total:
    """What the project's previews get: the server's total, or its own quota where that is less."""
    server = of_server()
    most = Amount(
        _lesser(project.max_cpus, server.cpus),
        int(_lesser(project.max_memory_mb, server.memory_mb)),
        int(_lesser(project.max_previews, server.previews)),
    )
    return Total(most, server)


def of_server() -> Amount:
    """The most that the previews of any one project may use together; 0: no limit."""
    configuration = settings.CONFIGURATION
    return Amount(
        configuration.galley_max_project_cpus,
        configuration.galley_max_project_memory,
        configuration.galley_max_project_previews,
    )


def _lesser(quota: float, limit: float) -> float:
    return min(quota, limit) if quota and limit else quota or limit


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


@dataclass(frozen=True)
class Usage:
    """What a project's previews may use of one kind, for people; `share` in percent, None where there is no limit."""

    name: str
    said: str
    share: int | None


def usages(project: Project) -> list[Usage]:
    """`6 of 100 GB of memory` and the same of the other kinds; none if nothing is used.

    A kind that always counts is told without a limit too; how many previews there are, everybody sees.
    """
    amount, most = summed(used([project.pk]).get(project.pk, {}).values()), total(project).most
    if amount == NOTHING:
        return []
    told = [kind for kind in KINDS if kind.of(most) or kind.name != "previews"]
    return [_usage(kind, amount, most) for kind in told]


def _usage(kind: Kind, amount: Amount, most: Amount) -> Usage:
    limit = kind.of(most)
    of = f" of {kind.said(most)}" if limit else ""
    share = round(100 * kind.of(amount) / limit) if limit else None
    return Usage(kind.name, f"{kind.said(amount)}{of} {kind.unit}", share)


def too_large(asked: Amount, total: Total) -> str:
    """Why a preview can never start, however little the others use; empty if it can."""
    for kind in KINDS:
        limit = kind.of(total.most)
        if limit and kind.of(asked) > limit + HARDLY:
            return (
                f"Its services together ask for {kind.said(asked)} {kind.unit}, and all previews of a project get at most "
                f"{kind.said(total.most)}{kind.short}. Lower what they ask for, leave services out, or {kind.remedy(total)}."
            )
    return ""


def shortage(project: str, asked: Amount, own: Amount, others: Collection[Amount], total: Total) -> str:
    """What is missing for a deployment that asks for `asked`, to be read after "waits for"; empty if it fits.

    `own`: what its environment counts with already. It may use that much again, or nobody could push to a preview that runs.
    `others`: what the project's other environments count with.
    """
    taken = summed(others)
    for kind in KINDS:
        limit, wanted = kind.of(total.most), kind.of(asked)
        if limit and wanted > kind.of(own) + HARDLY and kind.of(taken) + wanted > limit + HARDLY:
            asks = f", and it asks for {kind.said(asked)}{kind.short}" if kind.name != "previews" else ""
            return (
                f"{kind.name} of project {project}: {kind.said(taken)} of {kind.said(total.most)}{kind.short} are used by "
                f"{counted(len(others), 'other preview')}{asks}. "
                "Stop one, whose room comes free when that can no longer be undone (GALLEY_UNDO_SECONDS), or close its "
                f"pull request, or {kind.remedy(total)}"
            )
    return ""


def _known(cpus: float | None, memory_mb: int | None) -> Amount:
    """What nobody has told yet counts as nothing: it may not start before it is told, or its agent is an old one."""
    return Amount(cpus or 0.0, memory_mb, 1) if memory_mb is not None else NOTHING
