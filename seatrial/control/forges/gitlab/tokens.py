"""The token of a connection: whose it is, what it lacks, when it ends."""

from datetime import UTC, date, datetime, time

from seatrial.control.forges.gitlab.answers import Person, Token
from seatrial.control.forges.gitlab.client import GitLabClient
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.protocol import ForgeAccount

SCOPE = "api"
SELF = "/personal_access_tokens/self"  # also of project and group tokens


def account(client: GitLabClient) -> ForgeAccount:
    """Whom the token acts as: a person, or the bot of a project or a group."""
    person = client.get("/user", Person)
    token = about(client)
    lacks = token is not None and SCOPE not in token.scopes
    return ForgeAccount(
        login=person.username,
        missing=[f"the scope {SCOPE}"] if lacks else [],
        expires_at=end(token.expires_at) if token is not None else None,
    )


def about(client: GitLabClient) -> Token | None:
    """What GitLab says about the token; None if it does not (before 15.5)."""
    try:
        return client.get(SELF, Token)
    except NoSuchThing:
        return None


def end(day: date | None) -> datetime | None:
    """When a token ends whose last day is the one before `day`."""
    return datetime.combine(day, time(), UTC) if day is not None else None
