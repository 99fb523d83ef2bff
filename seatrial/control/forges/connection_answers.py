"""The shapes of what REST says about connections."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count
from django.utils import timezone
from ninja import Field, Schema

from seatrial.control.forges import accounts, hooks
from seatrial.control.forges.budget_answers import BudgetAnswer, budgets, scarcest
from seatrial.control.forges.models import Account
from seatrial.control.forges.oauth.models import Authorization
from seatrial.control.forges.protocol import ForgeAccount
from seatrial.control.projects.models import Connection, Project


class RightAnswer(Schema):
    """One thing that a credential may be allowed to do."""

    name: str = Field(description="What the forge calls it.")
    given: bool | None = Field(description="Whether the credential has it; null: the forge does not say.")
    without: str = Field(description="What is missing without it, for people.")


class AccountAnswer(Schema):
    """Whom a connection acts as, as the forge said last."""

    login: str = Field(description="The account's name at the forge; empty: the forge never said.")
    missing: list[str] = Field(description="What the credential would need and lacks, for people.")
    expires_at: datetime | None = Field(
        description="When the credential ends; null: never, or it is not known."
    )
    ends_soon: bool = Field(description="Whether it has ended, or ends within 14 days.")
    version: str = Field(description="What runs at the forge, as it says; empty: it does not say.")
    rights: list[RightAnswer] = Field(description="What the credential may do, as far as the forge says.")
    problem: str = Field(description="Why the forge did not answer the last time; empty if it did.")


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


def of_account(account: ForgeAccount) -> AccountAnswer:
    """What the forge has just said."""
    return AccountAnswer(
        login=account.login,
        missing=list(account.missing),
        expires_at=account.expires_at,
        ends_soon=accounts.ends_soon(account.expires_at),
        version=account.version,
        rights=[RightAnswer(name=one.name, given=one.given, without=one.without) for one in account.rights],
        problem="",
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
        account=_kept(account) if account is not None else None,
        authorization=_authorized(authorization) if authorization is not None else None,
    )


def _authorized(one: Authorization) -> AuthorizationOfAnswer:
    return AuthorizationOfAnswer(by=one.by, at=one.at, ended=one.ended, problem=one.problem)


def _kept(account: Account) -> AccountAnswer:
    return AccountAnswer(
        login=account.login,
        missing=account.missing,
        expires_at=account.expires_at,
        ends_soon=accounts.ends_soon(account.expires_at),
        version=account.version,
        rights=[RightAnswer(**one) for one in account.rights],
        problem=account.problem,
    )
