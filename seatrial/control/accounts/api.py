"""REST: the tokens of the person who asks."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema
from pydantic import Field as Checked

from seatrial.control.accounts import tokens
from seatrial.control.accounts.access import AccessDenied, Scope, require_whole
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.accounts.tokens import MOST_DAYS, USUAL_DAYS
from seatrial.control.answers import ErrorAnswer

router = Router(tags=["tokens"])
TokenId = Annotated[str, Path(description="Id of one of your tokens.")]
REFUSED = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer}


class TokenWanted(Schema):
    """A token for a program."""

    name: str = Checked(max_length=tokens.MOST_NAME, description="Which program it is for.")
    scopes: list[str] = Checked(
        min_length=1, max_length=len(Scope), description=f"What it may do: {', '.join(Scope)}."
    )
    days: int = Checked(USUAL_DAYS, ge=1, le=MOST_DAYS, description="How long it is valid from now on.")


class TokenAnswer(Schema):
    """One of your tokens."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Which program it is for.")
    prefix: str = Field(description="How it begins, to tell it from others.")
    scopes: list[str] = Field(description="What it may do; empty: everything that you may.")
    created_at: datetime = Field(description="When it was made.")
    expires_at: datetime | None = Field(description="When it expires; null: never.")
    last_used_at: datetime | None = Field(description="When it was used last, to the minute; null: never.")


class TokenMade(TokenAnswer):
    """A new token."""

    token: str = Field(description="The token itself. No later answer has it.")


@router.get("/tokens", response=list[TokenAnswer], summary="List your tokens, newest first")
def list_tokens(request: HttpRequest) -> list[TokenAnswer]:
    """Without the tokens themselves. At most 100, expired ones too."""
    return [answer(row) for row in tokens.of(_whole(request))]


@router.post("/tokens", response={200: TokenMade, **REFUSED}, summary="Make a token")
def make_token(request: HttpRequest, wanted: TokenWanted) -> TokenMade:
    """Takes a token without scopes, such as that of the `seatrial` command. People who are signed in use the page Tokens,
    which has them sign in again."""
    user = _whole(request)
    if not isinstance(getattr(request, "auth", None), ApiToken):
        raise AccessDenied("Make it on the page Tokens: it asks who you are once more.", hidden=False)
    token = tokens.make(user, wanted.name, wanted.scopes, wanted.days, by=actor(request))
    row = ApiToken.objects.get(digest=tokens.digest(token))
    return TokenMade(**answer(row).dict(), token=token)


@router.delete("/tokens/{token_id}", response={200: TokenAnswer, **REFUSED}, summary="Revoke a token")
def revoke_token(request: HttpRequest, token_id: TokenId) -> TokenAnswer:
    """The next request with it is refused."""
    row = tokens.one_of(_whole(request), token_id)
    said = answer(row)
    tokens.revoke(row, by=actor(request))
    return said


def answer(row: ApiToken) -> TokenAnswer:
    """The token as REST shows it."""
    return TokenAnswer(
        id=row.pk,
        name=row.name,
        prefix=row.prefix,
        scopes=row.scopes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _whole(request: HttpRequest) -> User:
    user = person(request)
    require_whole(user, "manage tokens")
    return user
