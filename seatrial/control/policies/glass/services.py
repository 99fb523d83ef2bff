"""Breaking glass and mending it. Every change locks the project first, so that evaluations see it whole."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from seatrial.control.accounts.logins import known_as
from seatrial.control.accounts.models import User
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.errors import BadGlass, GlassIsBroken, NothingToBreak
from seatrial.control.policies.glass.force import in_force, settle
from seatrial.control.policies.models import BrokenGlass, Evaluation
from seatrial.control.policies.weighing import AGAINST
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import Project
from seatrial.wire.states import EvaluationState
from seatrial.wire.visible import visible

MOST_HOURS, USUAL_HOURS = 24, 4
MOST_REASON = 1000  # characters


@transaction.atomic
def break_glass(
    evaluation: Evaluation, *, reason: str, hours: int = USUAL_HOURS, by: Actor, person: User
) -> BrokenGlass:
    """Let the commit of the evaluation pass for so many hours, whatever is evaluated of it meanwhile.

    Raises ProjectArchived, BadGlass, NothingToBreak where nothing is against the commit, and GlassIsBroken while it is.
    """
    project = Project.objects.select_for_update(no_key=True).get(pk=evaluation.project_id)
    if project.archived_at is not None:
        raise ProjectArchived(project.name)
    said = _line(reason)
    if not said:
        raise BadGlass("Say why: everybody who reads the check will ask.")
    if len(said) > MOST_REASON:
        raise BadGlass(f"The reason has {len(said)} characters; at most {MOST_REASON} are kept.")
    if not 1 <= hours <= MOST_HOURS:
        raise BadGlass(f"Glass is broken for 1 to {MOST_HOURS} hours, not {hours}.")
    broken = in_force(evaluation).first()
    if broken is not None:
        raise GlassIsBroken(
            f"{broken.by} broke the glass already, until {broken.expires_at:%Y-%m-%d %H:%M} UTC."
        )
    if not Evaluation.objects.filter(pk=evaluation.pk, state__in=AGAINST).exists():
        raise NothingToBreak(f"Nothing is against {evaluation.commit[:10]}: its verdict is not a failure.")
    pull_request = evaluation.pull_request
    row = BrokenGlass.objects.create(
        project=project,
        commit=evaluation.commit,
        reason=said,
        by=str(by)[:200],
        own=pull_request is not None and pull_request.author.casefold() in known_as(person),
        expires_at=timezone.now() + timedelta(hours=hours),
    )
    _take_effect(row)
    _audit("glass.break", row, by)
    return row


@transaction.atomic
def mend(glass: BrokenGlass, *, by: Actor) -> bool:
    """End it: the commit's verdict is again what its policies say. Returns whether it had not ended. Idempotent."""
    Project.objects.select_for_update(no_key=True).get(pk=glass.project_id)
    row = BrokenGlass.objects.select_related("project").filter(pk=glass.pk, ended_at=None).first()
    if row is None:
        return False
    row.ended_at, row.ended_by = timezone.now(), str(by)[:200]
    row.save(update_fields=["ended_at", "ended_by"])
    _take_effect(row)
    _audit("glass.mend", row, by)
    return True


def mend_due() -> int:
    """End those whose time is over; returns how many. Any number of workers may do it at once."""
    rows = BrokenGlass.objects.filter(ended_at=None, expires_at__lte=timezone.now()).order_by("id")
    return sum(mend(row, by=SYSTEM) for row in rows)


def _take_effect(row: BrokenGlass) -> None:
    """On what has a verdict now. What is being evaluated takes it into account when its results come."""
    rows = Evaluation.objects.filter(project=row.project_id, commit=row.commit)
    rows = rows.exclude(state=EvaluationState.SUPERSEDED).order_by("id")
    for evaluation in rows.select_for_update(of=("self",), no_key=True):
        state = EvaluationState(evaluation.beneath or evaluation.state)
        if not state.terminal:
            continue
        settle(evaluation, state)
        evaluation.save(update_fields=["state", "beneath", "glass"])
        outbox.instruct(Instruction.SIGN, evaluation=evaluation.pk)
    outbox.instruct(Instruction.REPORT, project=row.project_id, commit=row.commit)
    outbox.instruct(Instruction.SCORE, project=row.project_id)


def _line(text: str) -> str:
    return visible(" ".join(text.split()))


def _audit(action: str, row: BrokenGlass, by: Actor) -> None:
    details = {
        "project": row.project.slug,
        "commit": row.commit,
        "reason": row.reason,
        "expires_at": row.expires_at.isoformat(),
        "own": row.own,
    }
    audit.record(action, f"glass/{row.pk}", by=by, workspace=row.project.workspace_id, details=details)
