"""A connection's budgets, as REST, pages and the command line show them."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from ninja import Field, Schema

from seatrial.control.forges.models import StoredBudget
from seatrial.control.forges.urgency import Urgency
from seatrial.control.projects.models import Connection


class BudgetAnswer(Schema):
    """How many more requests the forge accepts, as it last said to any process; a few seconds late at most."""

    installation: str = Field(
        description="Of a GitHub App: the account whose installation it is; empty: the connection's own."
    )
    left: int | None = Field(description="How many; null when the forge named no number that is still true.")
    most: int | None = Field(description="How many there are in a whole period; null if unknown.")
    resets_at: datetime | None = Field(description="When there are new ones; null if unknown.")
    paused_until: datetime | None = Field(
        description="The forge wants to be asked nothing before; null when it does not."
    )
    waits_for: str = Field(description="What waits for it now and until when, for people; empty: nothing.")


UNKNOWN = BudgetAnswer(installation="", left=None, most=None, resets_at=None, paused_until=None, waits_for="")


def budgets(connection: Connection) -> list[BudgetAnswer]:
    """Those that are known now, the connection's own first; `connection` should have been read with its `budgets`."""
    found = [_answer(row) for row in connection.budgets.all()]
    known = [one for one in found if one.left is not None or one.paused_until is not None]
    return sorted(known, key=lambda one: one.installation)


def scarcest(known: Sequence[BudgetAnswer]) -> BudgetAnswer:
    """Of what is `known` of one connection: what it waits for first."""
    return min(known, key=_share, default=UNKNOWN)


def _share(answer: BudgetAnswer) -> float:
    if answer.paused_until is not None:
        return -1.0
    return (answer.left or 0) / (answer.most or answer.left or 1)


def _answer(row: StoredBudget) -> BudgetAnswer:
    now = timezone.now()
    valid = row.resets_at is not None and row.resets_at > now
    paused = row.paused_until is not None and row.paused_until > now
    answer = BudgetAnswer(
        installation=row.installation and (row.name or f"number {row.installation}"),
        left=row.left if valid else None,
        most=row.most,
        resets_at=row.resets_at if valid and row.left is not None else None,
        paused_until=row.paused_until if paused else None,
        waits_for="",
    )
    answer.waits_for = _waits_for(answer)
    return answer


def _waits_for(answer: BudgetAnswer) -> str:
    if answer.paused_until is not None:
        return f"the code host, which wants to be asked nothing until {answer.paused_until:%H:%M} UTC"
    if answer.left is None or answer.resets_at is None:
        return ""
    until = f"which the code host gives at {answer.resets_at:%H:%M} UTC"
    most = answer.most or 0
    if answer.left == 0:
        return f"new requests, {until}"
    if answer.left <= most * Urgency.FACTS.value:
        return f"new requests, {until}; only reports and orders are still sent"
    if answer.left <= most * Urgency.LOOK.value:
        return f"new requests, {until}; sweeps and lists wait for them"
    return ""
