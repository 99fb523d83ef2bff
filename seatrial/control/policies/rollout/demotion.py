"""A policy that errors too often gates no more: it judges nobody, and fails everybody."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.policies.models import Evaluation, Policy, Result
from seatrial.wire.states import Level, ResultState

LAST = 20  # of a policy's results, as long as it has its level and its version
ERRORS = (ResultState.ERRORED, ResultState.TIMED_OUT)
JUDGED = (ResultState.PASSED, ResultState.FAILED, ResultState.WAIVED)


def errs_too_often(states: Sequence[str]) -> bool:
    """Whether more than half of these newest results are errors or time-outs. Fewer than LAST say nothing yet."""
    return len(states) >= LAST and 2 * sum(state in ERRORS for state in states) > len(states)


@transaction.atomic
def demote_erring(evaluation: Evaluation) -> None:
    """Make those of its policies advisory that err too often. Call it when its results are stored. Idempotent.

    Only errors that came of running a policy count: what could not run at all, because of its criteria or the network that it has
    not, is nothing that the policy did.
    """
    gating = evaluation.results.filter(version__policy__level__in=[one for one in Level if one.gates])
    erring = gating.filter(state__in=ERRORS, seconds__gt=0).select_related("version__policy")
    for result in erring.order_by("version__policy"):
        states = _newest(result)
        if errs_too_often(states):
            _demote(result.version.policy_id, sum(state in ERRORS for state in states))


def _newest(result: Result) -> list[str]:
    """The states of the newest results of its version, since the policy has its level, the newest first."""
    rows = Result.objects.filter(version=result.version_id)
    since = result.version.policy.level_since
    if since is not None:
        rows = rows.filter(evaluation__created_at__gt=since)
    counting = Q(state__in=JUDGED) | Q(state__in=ERRORS, seconds__gt=0)
    return list(rows.filter(counting).order_by("-id").values_list("state", flat=True)[:LAST])


def _demote(key: str, errors: int) -> None:
    row = Policy.objects.select_for_update(no_key=True).get(pk=key)
    if not Level(row.level).gates:
        return
    before, now = row.level, timezone.now()
    row.level, row.level_since = Level.ADVISORY, now
    row.demotion = {"at": now.isoformat(), "from": before, "errors": errors, "of": LAST}
    row.save(update_fields=["level", "level_since", "demotion"])
    gating = [one for one in Level if one.gates]
    lowered = row.attachments.filter(level__in=gating).update(level="")
    audit.record(
        "policy.demote",
        f"policy/{row.pk}",
        by=SYSTEM,
        workspace=row.workspace_id,
        details={
            "policy": row.slug,
            "from": before,
            "to": row.level,
            "errors": errors,
            "of": LAST,
            "attachments": lowered,
        },
    )
