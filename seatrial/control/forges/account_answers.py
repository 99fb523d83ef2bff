"""The shape of what REST says about whom a connection acts as."""

from datetime import datetime, timedelta

from django.utils import timezone
from ninja import Field, Schema

from seatrial.control.forges.models import Account
from seatrial.control.forges.protocol import ForgeAccount

WARNED_BEFORE = timedelta(days=14)  # time to make another credential


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


def of_account(account: ForgeAccount) -> AccountAnswer:
    """What the forge has just said."""
    return AccountAnswer(
        login=account.login,
        missing=list(account.missing),
        expires_at=account.expires_at,
        ends_soon=ends_soon(account.expires_at),
        version=account.version,
        rights=[RightAnswer(name=one.name, given=one.given, without=one.without) for one in account.rights],
        problem="",
    )


def kept(account: Account) -> AccountAnswer:
    """What the forge said last."""
    return AccountAnswer(
        login=account.login,
        missing=account.missing,
        expires_at=account.expires_at,
        ends_soon=ends_soon(account.expires_at),
        version=account.version,
        rights=[RightAnswer(**one) for one in account.rights],
        problem=account.problem,
    )


def ends_soon(expires_at: datetime | None) -> bool:
    """Whether a credential with this end must be replaced soon, or should have been."""
    return expires_at is not None and expires_at - timezone.now() <= WARNED_BEFORE
