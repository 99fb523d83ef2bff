"""Subscribing an address, taking that back, and sending a notice again."""

from collections.abc import Iterable

from django.db import transaction

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.errors import BadSubscription
from seatrial.control.policies.notices import announcing
from seatrial.control.policies.notices.addresses import checked, host_of
from seatrial.control.policies.notices.models import KINDS, Notice, Subscription
from seatrial.control.policies.notices.signing import new_secret

MOST = 20  # of a workspace


@transaction.atomic
def subscribe(workspace: Workspace, url: str, kinds: Iterable[str], *, by: Actor) -> Subscription:
    """Tell this address from now on. Raises BadSubscription."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    url, wanted = checked(url.strip()), sorted(set(kinds))
    if not wanted or not set(wanted) <= {*KINDS}:
        raise BadSubscription(f"Choose what it is told of: {', '.join(KINDS)}.")
    known = Subscription.objects.filter(workspace=workspace)
    if known.filter(url=url).exists():
        raise BadSubscription(
            "This address is told already. Remove it first, to have it told of something else."
        )
    if known.count() >= MOST:
        raise BadSubscription(f"A workspace tells {MOST} addresses at most. Remove one first.")
    made = Subscription(workspace=workspace, url=url, kinds=wanted, secret=new_secret(), by=str(by)[:200])
    made.save(force_insert=True)
    _record("subscription.create", made, by)
    return made


@transaction.atomic
def unsubscribe(row: Subscription, *, by: Actor) -> None:
    """Tell this address nothing any more; what waits for it is not sent."""
    _record("subscription.remove", row, by)
    row.delete()


@transaction.atomic
def send_again(notice: Notice, *, by: Actor) -> None:
    """Send a notice once more, as it was, with the same id."""
    Notice.objects.filter(pk=notice.pk).update(over=False, problem="", attempts=0, status=None)
    outbox.instruct(Instruction.NOTICE, notice=notice.pk)
    _record("notice.send_again", notice.subscription, by, notice=notice.pk)


@transaction.atomic
def try_address(row: Subscription, *, by: Actor) -> Notice:
    """Send a notice that says nothing else than that it is a test."""
    made = announcing.try_address(row)
    _record("subscription.try", row, by, notice=made.pk)
    return made


def _record(action: str, row: Subscription, by: Actor, **more: str) -> None:
    details = {"host": host_of(row.url), "kinds": ", ".join(row.kinds), **more}
    audit.record(action, f"subscription/{row.pk}", by=by, workspace=row.workspace_id, details=details)
