"""The shapes of what REST says about connections."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count
from django.utils import timezone
from ninja import Field, Schema

from seatrial.control.forges import hooks
from seatrial.control.forges.account_answers import AccountAnswer, kept
from seatrial.control.forges.budget_answers import BudgetAnswer, budgets, scarcest
from seatrial.control.forges.models import Account
from seatrial.control.forges.oauth.models import Authorization
from seatrial.control.projects.models import Connection, Project


class AuthorizationOfAnswer(Schema):
    """The authorization that a connection acts by."""

    by: str = Field(description="Who authorized it here; at the code host, it is the account.")
    at: datetime = Field(description="When.")
    ended: bool = Field(description="Whether the code host takes no token of it any more: authorize again.")
    problem: str = Field(description="Why its tokens cannot be renewed, and what to do; empty otherwise.")


class ConnectionAnswer(Schema):
    """A connection."""

    id: str = Field(description="Its id.")
    forge: str = Field(description="The kind of the code host.")
    name: str = Field(description="What it is called.")
    base_url: str = Field(description="The forge's address; empty for one on this server.")
    workspace: str = Field(description="Slug of its workspace.")
    projects: int = Field(description="How many repositories are under trial through it.")
    webhook_url: str = Field(description="Where the forge is to send webhooks.")
    webhook_secret: bool = Field(
        description="Whether a secret is stored that webhooks are to be signed with."
    )
    previous_secret_until: datetime | None = Field(
        description="Until when the secret before the last rotation is valid too; null: it is not."
    )
    budget: BudgetAnswer = Field(
        description="How many more requests the forge accepts from it; of a GitHub App, where there are fewest."
    )
    budgets: list[BudgetAnswer] = Field(
        description="Of a GitHub App, for each installation; otherwise one. Empty: the forge has not said."
    )
    created_at: datetime = Field(description="When it was made.")
    removal_asked_at: datetime | None = Field(description="Since when it is being removed; null: it is not.")
    account: AccountAnswer | None = Field(
        description="Whom it acts as, as the forge said last; null: it was not asked yet, or has no accounts."
    )
    authorization: AuthorizationOfAnswer | None = Field(
        description="The authorization (OAuth) that it acts by; null: it has a token, or needs none."
    )


class RotatedAnswer(Schema):
    """A new webhook secret."""

    secret: str = Field(description="For webhooks that were made by hand. It is not shown again.")
    previous_secret_until: datetime | None = Field(
        description="Until when the secret before it is valid too."
    )


def answers(rows: Sequence[Connection]) -> list[ConnectionAnswer]:
    """One for each of `rows`, with a constant number of queries."""
    active = Project.objects.filter(connection__in=rows, archived_at=None).values_list("connection_id")
    projects = dict(active.annotate(count=Count("pk")))
    kept = {one.pk: one for one in Account.objects.filter(connection__in=rows)}
    authorized = {one.pk: one for one in Authorization.objects.filter(connection__in=rows)}
    return [_answer(row, projects.get(row.pk, 0), kept.get(row.pk), authorized.get(row.pk)) for row in rows]


def previous_until(row: Connection) -> datetime | None:
    """Until when the secret before the last rotation is valid; None: it is not."""
    until = row.previous_valid_until
    return until if until is not None and until > timezone.now() else None


def _answer(
    row: Connection, projects: int, account: Account | None, authorization: Authorization | None
) -> ConnectionAnswer:
    known = budgets(row)
    return ConnectionAnswer(
        id=row.pk,
        forge=row.forge,
        name=row.name,
        base_url=row.base_url,
        workspace=row.workspace.slug,
        projects=projects,
        webhook_url=hooks.address(row),
        webhook_secret=row.has_webhook_secret,
        previous_secret_until=previous_until(row),
        budget=scarcest(known),
        budgets=known,
        created_at=row.created_at,
        removal_asked_at=row.removal_asked_at,
        account=kept(account) if account is not None else None,
        authorization=_authorized(authorization) if authorization is not None else None,
    )


def _authorized(one: Authorization) -> AuthorizationOfAnswer:
    return AuthorizationOfAnswer(by=one.by, at=one.at, ended=one.ended, problem=one.problem)
