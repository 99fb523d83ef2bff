"""Requesting waivers, and deciding about them. Every change locks the project first, so that evaluations see it whole.

requested -> approved | rejected; requested and approved -> expired | withdrawn. What has ended stays as it is: whoever needs
it longer requests another one.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from seatrial.control.accounts.logins import known_as
from seatrial.control.accounts.models import User
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.policies.current import current
from seatrial.control.policies.deciding import decide_again
from seatrial.control.policies.errors import (
    AskedAlready,
    BadWaiver,
    HardPolicy,
    NoSuchPolicy,
    NotInThisState,
    OwnRequest,
)
from seatrial.control.policies.models import Evaluation, PolicyVersion, Waiver
from seatrial.control.policies.rollout.choosing import level_in
from seatrial.control.policies.waivers.force import outdated, scope_of
from seatrial.control.policies.waivers.scope import Scope
from seatrial.control.policies.waivers.words import page_url
from seatrial.control.projects.errors import ProjectArchived
from seatrial.control.projects.models import Project
from seatrial.wire.states import Level, WaiverState
from seatrial.wire.visible import visible

MOST_DAYS, USUAL_DAYS = 90, 30
MOST_REASON = MOST_NOTE = 1000  # characters
OPEN = [state for state in WaiverState if state.open]


@transaction.atomic
def request(
    project: Project,
    policy: str,
    *,
    scope: Scope,
    reason: str,
    by: Actor,
    person: User | None,
    login: str = "",
    days: int = USUAL_DAYS,
) -> Waiver:
    """Ask for a waiver of the newest version of the policy with this slug. Its days count from now, not from the approval.

    Who asks is a `person`, or somebody with this `login` at the code host. Raises ProjectArchived, NoSuchPolicy, HardPolicy,
    BadWaiver, and AskedAlready while one for the same scope waits for a decision.
    """
    if _lock(project).archived_at is not None:
        raise ProjectArchived(project.name)
    version = newest_version(project, policy)
    refuse_hard(project, version)
    reason = _line(reason)
    if not reason:
        raise BadWaiver("Say why: whoever decides, and whoever reads the check later, needs a reason.")
    if len(reason) > MOST_REASON:
        raise BadWaiver(f"The reason has {len(reason)} characters; at most {MOST_REASON} are kept.")
    if not 1 <= days <= MOST_DAYS:
        raise BadWaiver(f"A waiver lasts from 1 to {MOST_DAYS} days, not {days}.")
    same = Waiver.objects.filter(
        project=project, version=version, path=scope.path, fingerprint=scope.fingerprint
    )
    waiting = same.filter(state=WaiverState.REQUESTED, expires_at__gt=timezone.now()).first()
    if waiting is not None:
        raise AskedAlready(
            f"{waiting.requested_by} has asked for it already, and it waits for a decision: {page_url(waiting)}"
        )
    waiver = Waiver.objects.create(
        project=project,
        version=version,
        path=scope.path,
        fingerprint=scope.fingerprint,
        reason=reason,
        requested_by=str(by)[:200],
        requester=person,
        requester_login=login[:200],
        expires_at=timezone.now() + timedelta(days=days),
    )
    _audit("waiver.request", waiver, by)
    return waiver


@transaction.atomic
def approve(waiver: Waiver, *, by: Actor, person: User, note: str = "") -> None:
    """Let it waive what it covers, from now on and in verdicts that count now.

    Raises NotInThisState, HardPolicy, and OwnRequest for whoever asked for it. Approving it again is refused, too.
    """
    row = _locked(waiver, WaiverState.REQUESTED)
    refuse_hard(row.project, row.version)
    if is_own(row, person):
        raise OwnRequest("You asked for this waiver: somebody else decides about it.")
    if row.expires_at <= timezone.now():
        raise NotInThisState("Its time is over: request another one.")
    if outdated(Waiver.objects.filter(pk=row.pk)).exists():
        raise NotInThisState(
            f"It is bound to version {row.version.number} of the policy, which has a newer one. Run the policies again, "
            "and request another one if they fail."
        )
    row.state, row.decided_at, row.decided_by, row.note = (
        WaiverState.APPROVED, timezone.now(), str(by)[:200], _note(note),
    )  # fmt: skip
    row.save()
    _audit("waiver.approve", row, by)
    take_effect(row)


@transaction.atomic
def reject(waiver: Waiver, *, by: Actor, note: str = "") -> None:
    """Decide that it waives nothing. Raises NotInThisState."""
    row = _locked(waiver, WaiverState.REQUESTED)
    row.decided_at, row.decided_by = timezone.now(), str(by)[:200]
    _end(row, WaiverState.REJECTED, by=by, note=note)


@transaction.atomic
def withdraw(waiver: Waiver, *, by: Actor, note: str = "") -> None:
    """End a request or a waiver: what it waived fails again. Raises NotInThisState."""
    row = _locked(waiver, WaiverState.REQUESTED, WaiverState.APPROVED)
    _end(row, WaiverState.WITHDRAWN, by=by, note=note)


def is_own(waiver: Waiver, person: User) -> bool:
    """Whether `person` asked for it, here or, as far as is known, in a comment.

    Somebody is known at a code host by the accounts that they sign in with, and by their user name here: a stranger of the
    same name is refused as well, rather than the same person let through.
    """
    if waiver.requester_id is not None and waiver.requester_id == person.pk:
        return True
    return bool(waiver.requester_login) and waiver.requester_login.casefold() in known_as(person)


def newest_version(project: Project, policy: str) -> PolicyVersion:
    """The newest version of the policy with this slug in the project's workspace. Raises NoSuchPolicy."""
    versions = PolicyVersion.objects.filter(policy__workspace=project.workspace_id)
    version = versions.filter(policy__slug=policy).select_related("policy").order_by("-number").first()
    if version is None:
        known = versions.order_by("policy__slug").values_list("policy__slug", flat=True).distinct()
        raise NoSuchPolicy(
            f"There is no policy {visible(policy)[:100]}. There is: {', '.join(known) or 'none'}."
        )
    return version


def refuse_hard(project: Project, version: PolicyVersion) -> None:
    """Raise HardPolicy if nothing waives the policy in the project."""
    if level_in(project, version.policy, asked_at=timezone.now()) is Level.HARD:
        raise HardPolicy(
            f"{version.policy.slug} is a hard policy in {project.name}: nothing waives it. Mend what it found, or ask an admin or owner of the "
            "workspace to make it soft."
        )


def end(waiver: Waiver, state: WaiverState, *, by: Actor, note: str) -> bool:
    """End it from outside of people's hands, unless it has ended; returns whether it had not. Call it in a transaction."""
    _lock(waiver.project)
    row = _rows().filter(pk=waiver.pk, state__in=OPEN).first()
    if row is None:
        return False
    _end(row, state, by=by, note=note)
    return True


def take_effect(waiver: Waiver) -> int:
    """Decide again about every verdict that counts now and has a result of the waiver's version."""
    rows = Evaluation.objects.filter(project=waiver.project_id, versions=waiver.version_id)
    return decide_again(current(rows))


def _end(row: Waiver, state: WaiverState, *, by: Actor, note: str) -> None:
    was_in_force = row.state == WaiverState.APPROVED
    row.state, row.ended_at, row.ended_by = state, timezone.now(), str(by)[:200]
    row.note = _note(note) or row.note
    row.save()
    _audit(ACTIONS[state], row, by)
    if was_in_force:
        take_effect(row)


ACTIONS = {
    WaiverState.REJECTED: "waiver.reject",
    WaiverState.EXPIRED: "waiver.expire",
    WaiverState.WITHDRAWN: "waiver.withdraw",
}


def _lock(project: Project) -> Project:
    return Project.objects.select_for_update(no_key=True).get(pk=project.pk)


def _rows() -> QuerySet[Waiver]:
    return Waiver.objects.select_for_update(of=("self",), no_key=True).select_related(
        "version__policy", "project"
    )


def _locked(waiver: Waiver, *states: WaiverState) -> Waiver:
    _lock(waiver.project)
    row = _rows().get(pk=waiver.pk)
    if row.state not in states:
        raise NotInThisState(f"It is {row.state}: {_now(WaiverState(row.state))}")
    return row


def _now(state: WaiverState) -> str:
    if state is WaiverState.REQUESTED:
        return "somebody decides about it first."
    if state is WaiverState.APPROVED:
        return "it is in force. Withdraw it to end it."
    return "it has ended. Request another one."


def _line(text: str) -> str:
    return visible(" ".join(text.split()))


def _note(text: str) -> str:
    note = _line(text)
    if len(note) > MOST_NOTE:
        raise BadWaiver(f"The note has {len(note)} characters; at most {MOST_NOTE} are kept.")
    return note


def _audit(action: str, waiver: Waiver, by: Actor) -> None:
    details = {
        "project": waiver.project.slug,
        "policy": waiver.version.policy.slug,
        "version": waiver.version.number,
        "scope": str(scope_of(waiver)),
        "reason": waiver.reason,
        "expires_at": waiver.expires_at.isoformat(),
        **({"note": waiver.note} if waiver.note else {}),
    }
    audit.record(action, f"waiver/{waiver.pk}", by=by, workspace=waiver.project.workspace_id, details=details)
