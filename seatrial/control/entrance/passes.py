"""Passes: what a browser shows at the gate once it got in. A signed cookie, for one host of one environment.

A pass says how its holder got in; whether that still holds is looked up for each request. So it ends at once when a guest link
or token is revoked, a password changes, or a person may not look any more.

A browser gets one for each host of the environment, because cookies for all of the previews' domain would be sent to every other
preview, too: a *ticket*, in an address, is taken from one host to the next. Tickets are valid for a minute, at one host.
"""

import time
from collections.abc import Iterable
from enum import StrEnum
from http.cookies import SimpleCookie
from typing import NamedTuple

from django.core import signing

from seatrial.control.previews.callbacks import began
from seatrial.control.previews.desired import address

PATH = "/.well-known/galley-pass"
TICKET_SECONDS = 60
PERSON_SECONDS = 12 * 3600
PASSWORD_SECONDS = 12 * 3600
BYPASS_SECONDS = 24 * 3600
VISIT_SECONDS = 60
_PASS, _TICKET, _VISIT = "seatrial.entrance.pass", "seatrial.entrance.ticket", "seatrial.entrance.visit"


class Kind(StrEnum):
    """How somebody got in, and what `subject` is: the id of a user, guest link, gate, or bypass token."""

    PERSON = "person"
    GUEST = "guest"
    PASSWORD = "password"  # noqa: S105  a word
    BYPASS = "bypass"


class Pass(NamedTuple):
    """`until` is in seconds since 1970."""

    kind: Kind
    environment: str
    subject: str
    until: int


class Ticket(NamedTuple):
    """What leads a browser through the hosts of an environment. `host`: the label where it is valid; `rest`: those that come next;
    `back`: the address that it began at."""

    host: str
    granted: Pass
    rest: list[str]
    back: str


def cookie_name() -> str:
    """With HTTPS a name that browsers take from its own host alone."""
    return "__Host-galley-pass" if address().scheme == "https" else "galley-pass"


def new_pass(kind: Kind, environment: str, subject: str, seconds: float) -> Pass:
    """A pass that begins now."""
    return Pass(kind, environment, subject, int(time.time() + seconds))


def written(granted: Pass) -> str:
    """The value of the cookie."""
    return signing.dumps(list(granted), salt=_PASS)


def shown(cookies: str, environment: str) -> list[Pass]:
    """The passes for this environment in a Cookie header. Others, forged and ended ones are left out."""
    found = [_pass(value) for name, value in pairs(cookies) if name == cookie_name()]
    return [
        one for one in found if one is not None and one.environment == environment and one.until > time.time()
    ]


def without_passes(cookies: str) -> str:
    """The Cookie header as the preview gets it."""
    ours = {cookie_name(), began.cookie_name()}
    return "; ".join(
        f"{name}={value}" if name else value for name, value in pairs(cookies) if name not in ours
    )


def pairs(cookies: str) -> Iterable[tuple[str, str]]:
    """The names and values of a Cookie header, as they are."""
    for part in cookies.split(";"):
        name, equals, value = part.strip().partition("=")
        if equals:
            yield name.strip(), value.strip()
        elif name:
            yield "", name


def set_cookie(granted: Pass) -> str:
    """The Set-Cookie header that gives the pass to a browser."""
    cookie = SimpleCookie({cookie_name(): written(granted)})
    morsel = cookie[cookie_name()]
    morsel["path"], morsel["httponly"], morsel["samesite"] = "/", True, "Lax"
    morsel["max-age"] = max(0, granted.until - int(time.time()))
    if address().scheme == "https":
        morsel["secure"] = True
    return morsel.OutputString()


def first_ticket(granted: Pass, hosts: Iterable[str], back: str) -> str:
    """The address that a browser goes to, to get its passes for all `hosts` (labels), and then `back`."""
    first, *rest = hosts
    return _address(Ticket(first, granted, rest, back))


def taken(text: str, host: str) -> Ticket | None:
    """The ticket, if it is valid at this host now."""
    try:
        label, granted, rest, back = signing.loads(text, salt=_TICKET, max_age=TICKET_SECONDS)
    except signing.BadSignature:
        return None
    return Ticket(label, Pass(Kind(granted[0]), *granted[1:]), rest, back) if label == host else None


def after(ticket: Ticket) -> str:
    """Where a browser goes next."""
    if not ticket.rest:
        return ticket.back
    return _address(Ticket(ticket.rest[0], ticket.granted, ticket.rest[1:], ticket.back))


def for_visit(environment: str) -> str:
    """What this server itself shows in the header X-Galley-Bypass when it visits a preview. Valid for a minute."""
    return signing.dumps(environment, salt=_VISIT)


def is_visit(text: str, environment: str) -> bool:
    """Whether `for_visit` made it for this environment, a moment ago."""
    try:
        return bool(signing.loads(text, salt=_VISIT, max_age=VISIT_SECONDS) == environment)
    except signing.BadSignature:
        return False


def _address(ticket: Ticket) -> str:
    text = signing.dumps([ticket.host, list(ticket.granted), ticket.rest, ticket.back], salt=_TICKET)
    return f"{address().url(ticket.host)}{PATH}?ticket={text}"


def _pass(value: str) -> Pass | None:
    try:
        kind, environment, subject, until = signing.loads(value, salt=_PASS)
    except signing.BadSignature:
        return None
    return Pass(Kind(kind), environment, subject, until)
