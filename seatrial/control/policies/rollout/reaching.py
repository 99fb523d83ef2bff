"""Whether a policy reaches a project, and how much it weighs there. Plain values, no database."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from seatrial.control.policies.errors import BadAttachment
from seatrial.control.policies.rollout.promotion import ORDER
from seatrial.wire.states import Level


class Nearness(IntEnum):
    """How closely an attachment names a project."""

    EVERYTHING = 1
    GROUP = 2  # a label or a stack
    PROJECT = 3


@dataclass(frozen=True)
class Reach:
    """One attachment that names a project. `level` is None where it is the policy's."""

    nearness: Nearness
    excluded: bool = False
    level: Level | None = None
    starts_at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """How much a policy weighs in an evaluation. `begins`: when it gates, if it is advisory only because of that."""

    level: Level
    begins: datetime | None = None


def standing(own: Level, reaches: Iterable[Reach], *, asked_at: datetime) -> Standing | None:
    """What a policy of the level `own` weighs where these attachments name the project; None: it does not run.

    Those that name the project most closely count: one to the project before one to a label or a stack, and that before one to
    everything. If they disagree, an exclusion wins, then the strictest level, then the earliest start. `asked_at` is when the pull
    request was opened, or now for what is none: what began later than that is advisory.
    """
    reaches = list(reaches)
    if own is Level.DRAFT or not reaches:
        return None
    nearest = max(one.nearness for one in reaches)
    counting = [one for one in reaches if one.nearness == nearest]
    if any(one.excluded for one in counting):
        return None
    return min((_of(own, one, asked_at) for one in counting), key=_weight)


def _of(own: Level, reach: Reach, asked_at: datetime) -> Standing:
    level = reach.level or own
    if level.gates and reach.starts_at is not None and asked_at < reach.starts_at:
        return Standing(Level.ADVISORY, reach.starts_at)
    return Standing(level)


def _weight(one: Standing) -> tuple[int, float]:
    return -ORDER.index(one.level), one.begins.timestamp() if one.begins else math.inf


def nearness(*, everything: bool, label: str, stack: str, project: str) -> Nearness:
    """Of an attachment with this target. Raises BadAttachment unless it names exactly one."""
    if [everything, bool(label), bool(stack), bool(project)].count(True) != 1:
        raise BadAttachment("Name one of: everything, a label, a stack, a project.")
    if everything:
        return Nearness.EVERYTHING
    return Nearness.PROJECT if project else Nearness.GROUP
