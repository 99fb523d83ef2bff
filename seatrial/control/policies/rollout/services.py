"""Changing how much a policy weighs. What is being evaluated keeps the level that it began with."""

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.policies.models import Policy, PolicyVersion
from seatrial.control.policies.rollout.promotion import require_promotable, require_replayed
from seatrial.control.policies.trials import replays
from seatrial.control.policies.trials.services import newest_tests
from seatrial.wire.states import Level, TestsState

Tested = Callable[[PolicyVersion], TestsState | None]  # what a version's own tests say; None if it has none


@transaction.atomic
def set_level(policy: Policy, level: Level, *, by: Actor, tested: Tested = newest_tests) -> Policy:
    """Give the policy this level from the next evaluation on. Idempotent: what it has already is not recorded again.

    Raises NotPromoted while the tests of its newest version do not pass, NotReplayed for hard while that was not replayed.
    """
    row = Policy.objects.select_for_update(no_key=True).get(pk=policy.pk)
    before = Level(row.level)
    if level is before:
        return row
    require_promotable(row.name, before, level, tests_of(row, tested))
    require_seen(row, before, level)
    row.level, row.level_since, row.demotion = level, timezone.now(), {}
    row.save(update_fields=["level", "level_since", "demotion"])
    audit.record(
        "policy.level",
        f"policy/{row.pk}",
        by=by,
        workspace=row.workspace_id,
        details={"policy": row.slug, "from": before, "to": level},
    )
    return row


def tests_of(policy: Policy, tested: Tested) -> TestsState | None:
    """What the tests of the newest version say; None if there are none."""
    newest = policy.versions.order_by("-number").first()
    return tested(newest) if newest is not None else None


def require_seen(policy: Policy, before: Level, after: Level) -> None:
    """Return if the policy was replayed where that is needed; where no commit is known, nothing could be. Raises NotReplayed."""
    newest = policy.versions.order_by("-number").first()
    if newest is not None and after is Level.HARD and replays.possible(policy):
        require_replayed(policy.slug, before, after, replays.replayed(newest))
