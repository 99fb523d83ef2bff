"""What a browser remembers of the previews that it opened, so that a callback finds the one that began.

A signed cookie for all of the previews' domain, because the callback host has to see it; only browsers that open previews of
projects with a callback host get one. It says which previews were opened and when, and opens nothing.
"""

import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import NamedTuple

from django.core import signing

from seatrial.control.previews.desired import address

SECONDS = 15 * 60  # that signing in elsewhere may take
AGAIN_SECONDS = 30  # a page that is opened again sooner changes nothing
MOST = 5
_SALT = "seatrial.previews.began"


class Opened(NamedTuple):
    """A host of a preview (its label) that a browser opened. `at` is in seconds since 1970."""

    environment: str
    label: str
    at: int


def cookie_name() -> str:
    """With HTTPS a name that only HTTPS can set."""
    return "__Secure-galley-began" if address().scheme == "https" else "galley-began"


def read(cookies: str) -> list[Opened]:
    """What a Cookie header says, the newest first. Forged and old entries are left out."""
    found: dict[str, Opened] = {}
    for value in _values(cookies):
        try:
            entries = [Opened(*entry) for entry in signing.loads(value, salt=_SALT, max_age=SECONDS)]
        except signing.BadSignature:
            continue
        for one in entries:
            if one.at > time.time() - SECONDS and one.at >= found.get(one.environment, one).at:
                found[one.environment] = one
    return sorted(found.values(), key=lambda one: -one.at)


def _values(cookies: str) -> Iterator[str]:
    """Of all cookies with this name: previews can set others of the same, which are forged."""
    for part in cookies.split(";"):
        name, _, value = part.strip().partition("=")
        if name == cookie_name():
            yield value


def set_cookie(before: list[Opened], environment: str, label: str) -> str | None:
    """The Set-Cookie header that adds a host to what was opened `before`; None if nothing would change."""
    now = int(time.time())
    if before and before[0][:2] == (environment, label) and before[0].at > now - AGAIN_SECONDS:
        return None
    others = [one for one in before if one.environment != environment]
    entries = [list(one) for one in [Opened(environment, label, now), *others][:MOST]]
    where = address()
    cookie = SimpleCookie({cookie_name(): signing.dumps(entries, salt=_SALT)})
    morsel = cookie[cookie_name()]
    morsel["domain"], morsel["path"], morsel["httponly"], morsel["max-age"] = where.domain, "/", True, SECONDS
    if where.scheme == "https":  # also with an answer that another site's page posts
        morsel["secure"], morsel["samesite"] = True, "None"
    else:
        morsel["samesite"] = "Lax"
    return morsel.OutputString()
