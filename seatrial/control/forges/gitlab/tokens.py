"""The token of a connection: whose it is, what it lacks, when it ends."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from seatrial.control.forges.gitlab.answers import Person, Token, Version
from seatrial.control.forges.gitlab.client import GitLabClient, NotAllowed
from seatrial.control.forges.http.bearer import Bearer
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.protocol import ForgeAccount, Right

SCOPE = "api"
# Since which version GitLab replaces a token that asks for it, and tells what it sent to a webhook.
REPLACING, TELLING = (16, 10), (17, 3)
SELF = "/personal_access_tokens/self"  # also of project and group tokens


def account(client: GitLabClient, bearer: Bearer, problem: str) -> ForgeAccount:
    """Whom the token acts as: a person, or the bot of a project or a group. `problem`: why it cannot be replaced."""
    person = client.get("/user", Person)
    token = about(client) if bearer.scopes is None else Token(scopes=list(bearer.scopes))
    lacks = token is not None and SCOPE not in token.scopes
    number = _version(client)
    return ForgeAccount(
        login=person.username,
        missing=[f"the scope {SCOPE}"] if lacks else [],
        expires_at=end(token.expires_at) if token is not None else None,
        version=f"GitLab {number}"[:100] if number else "",
        rights=list(_rights(token, number, problem)),
    )


def _rights(token: Token | None, number: str, problem: str) -> Iterator[Right]:
    yield Right(
        name=f"the scope {SCOPE}",
        given=SCOPE in token.scopes if token is not None else None,
        without="nothing works: projects are not listed, nothing is reported, agents cannot fetch code",
    )
    yield Right(
        name="the role Maintainer",
        given=None,
        without="webhooks are made by hand; until then, changes are noticed once a minute",
    )
    yield Right(
        name="to read which webhooks failed",
        given=version_of(number) >= TELLING if number else None,
        without="GitLab tells it since 17.3: a push that was lost is not evaluated; merge requests are compared every minute",
    )
    if token is not None and token.expires_at is not None:
        yield Right(
            name="to be replaced before it ends",
            given=not problem and version_of(number) >= REPLACING,
            without=problem or "somebody has to make another token in time",
        )


def version_of(number: str) -> tuple[int, int]:
    """The major and the minor version in `number`, such as 19.1.0-ee."""
    major, minor = (*(int(part) for part in re.findall(r"\d+", number)[:2]), 0, 0)[:2]
    return major, minor


def _version(client: GitLabClient) -> str:
    """Such as 19.1.0-ee; empty where GitLab does not say."""
    try:
        return client.get("/version", Version).version
    except (NoSuchThing, NotAllowed):
        return ""


def ends(client: GitLabClient, bearer: Bearer) -> datetime | None:
    """When the token ends; None: never, or it is not known."""
    if bearer.scopes is not None:
        return bearer.expires_at
    token = about(client)
    return end(token.expires_at) if token is not None else None


def about(client: GitLabClient) -> Token | None:
    """What GitLab says about a token that somebody made; None if it does not (before 15.5)."""
    try:
        return client.get(SELF, Token)
    except NoSuchThing:
        return None


def end(day: date | None) -> datetime | None:
    """When a token ends whose last day is the one before `day`."""
    return datetime.combine(day, time(), UTC) if day is not None else None
