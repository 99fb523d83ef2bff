"""How a request proves who sent it: with a bearer token, or with the session of somebody who is signed in."""

from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer, SessionAuth

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.audit.actors import Actor


class BearerToken(HttpBearer):
    """`Authorization: Bearer sea_...`."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """The token's row; `request.user` becomes its owner."""
        row = tokens.find(token)
        if row is not None:
            request.user = row.user
        return row


class SignedIn(SessionAuth):
    """The site's own session cookie, with its CSRF token on everything that changes something."""

    def __call__(self, request: HttpRequest) -> Any:
        """Check the CSRF token only of requests with a session, so that a wrong API token is answered as such."""
        return super().__call__(request) if request.user.is_authenticated else None


AUTHENTICATION = [BearerToken(), SignedIn()]


def person(request: HttpRequest) -> User:
    """The person who sent the request.

    Only call it behind AUTHENTICATION or a sign-in check; else it raises TypeError.
    """
    if not isinstance(request.user, User):
        raise TypeError("person() was called for a request that is not authenticated")
    return request.user


def actor(request: HttpRequest) -> Actor:
    """The actor behind `request`: the person, or a program with one of their tokens."""
    proof = getattr(request, "auth", None)
    user = person(request)
    if isinstance(proof, ApiToken):
        return Actor.token(proof.name, owner=user.username, id=proof.pk, address=address(request))
    return Actor.person(user.username, id=str(user.pk), address=address(request))


def address(request: HttpRequest) -> str | None:
    """The client's IP address, for the audit log: the peer's, or the one that a trusted proxy reports.

    The web server decides which proxies it trusts.
    """
    return request.META.get("REMOTE_ADDR") or None
