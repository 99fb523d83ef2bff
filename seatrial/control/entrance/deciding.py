"""Decides whether a visitor gets into an environment. `gatekeeper` asks for each request."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_network

from django.utils import timezone

from seatrial.control.accounts.models import User
from seatrial.control.entrance import attempts, bypass, guests, passes, reading
from seatrial.control.entrance.passes import Kind, Pass
from seatrial.control.entrance.visitor import BYPASS, GUEST, Visitor
from seatrial.control.previews import routes
from seatrial.control.previews.desired import address
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Gate, Mode


class Refusal(StrEnum):
    """Why somebody stays out."""

    SIGN_IN = "sign_in"  # and is no page that could lead there
    PASSWORD = "password"  # noqa: S105  a word
    TOO_MANY = "too_many"
    ADDRESS = "address"
    TOKEN = "token"  # noqa: S105
    LINK = "link"
    TICKET = "ticket"


@dataclass(frozen=True)
class GetsIn:
    """The request goes on to the preview, with these headers in place of the visitor's."""

    cookies: str
    authorization: str


@dataclass(frozen=True)
class GoesTo:
    """The browser is sent to another address, perhaps with a pass for this host."""

    url: str
    granted: Pass | None = None


@dataclass(frozen=True)
class StaysOut:
    """Nothing of the preview is shown."""

    why: Refusal


Answer = GetsIn | GoesTo | StaysOut


def decide(visitor: Visitor, environment: Environment, gate: Gate | None) -> Answer:
    """Whether the visitor gets in. `gate` None: everybody does."""
    if gate is None:
        return _in(visitor)
    for look in (_ticket, _parameter, _token, _known, _preflight):
        answer = look(visitor, environment, gate)
        if answer is not None:
            return answer
    return _BY_MODE[Mode(gate.mode)](visitor, environment, gate)


def _in(visitor: Visitor, *, authorization: bool = True) -> GetsIn:
    return GetsIn(passes.without_passes(visitor.cookies), visitor.authorization if authorization else "")


def _ticket(visitor: Visitor, environment: Environment, _: Gate) -> Answer | None:
    if visitor.path != passes.PATH:
        return None
    ticket = passes.taken(visitor.parameter("ticket"), visitor.label)
    if ticket is None or ticket.granted.environment != environment.pk:
        return StaysOut(Refusal.TICKET)
    return GoesTo(passes.after(ticket), ticket.granted)


def _parameter(visitor: Visitor, environment: Environment, gate: Gate) -> Answer | None:
    """A guest link's or bypass token's secret in the address becomes a pass, and is gone from the address."""
    for name, exchange, refusal in (
        (BYPASS, _bypass_pass, Refusal.TOKEN),
        (GUEST, _guest_pass, Refusal.LINK),
    ):
        secret = visitor.parameter(name)
        if not secret:
            continue
        granted = exchange(secret, environment, gate) if visitor.method in {"GET", "HEAD"} else None
        if granted is None:
            return StaysOut(refusal)
        return through_all_hosts(granted, environment, visitor.label, visitor.without(name))
    return None


def _bypass_pass(secret: str, environment: Environment, _: Gate) -> Pass | None:
    token = bypass.found(environment.project_id, secret)
    if token is None:
        return None
    return passes.new_pass(Kind.BYPASS, environment.pk, token.pk, passes.BYPASS_SECONDS)


def _guest_pass(secret: str, environment: Environment, gate: Gate) -> Pass | None:
    link = guests.found(environment.pk, secret) if guests.are_let_in(gate) else None
    if link is None:
        return None
    seconds = (link.expires_at - timezone.now()) / timedelta(seconds=1)
    return passes.new_pass(Kind.GUEST, environment.pk, link.pk, seconds)


def _token(visitor: Visitor, environment: Environment, _: Gate) -> Answer | None:
    if not visitor.token:
        return None
    if passes.is_visit(visitor.token, environment.pk) or bypass.found(environment.project_id, visitor.token):
        return _in(visitor)
    return StaysOut(Refusal.TOKEN)


def _known(visitor: Visitor, environment: Environment, gate: Gate) -> Answer | None:
    held = passes.shown(visitor.cookies, environment.pk)
    return (
        _in(visitor, authorization=gate.mode != Mode.BASIC)
        if any(_holds(one, environment, gate) for one in held)
        else None
    )


def _holds(granted: Pass, environment: Environment, gate: Gate) -> bool:
    """Whether what the pass was given for is still true."""
    match granted.kind:
        case Kind.PERSON:
            user = User.objects.filter(pk=granted.subject).first()
            return gate.mode == Mode.MEMBERS and user is not None and reading.may_look(user, environment)
        case Kind.GUEST:
            return guests.are_let_in(gate) and guests.is_valid(granted.subject, environment.pk)
        case Kind.PASSWORD:
            return gate.mode == Mode.BASIC and granted.subject == gate.pk
        case Kind.BYPASS:
            return bypass.is_valid(granted.subject, environment.project_id)


def _preflight(visitor: Visitor, environment: Environment, _: Gate) -> Answer | None:
    """Browsers send no cookies with them. They get in from pages of the same environment, and what follows is asked again."""
    if visitor.preflight and visitor.origin in {address().url(label) for label in hosts(environment)}:
        return _in(visitor)
    return None


def _by_password(visitor: Visitor, environment: Environment, gate: Gate) -> Answer:
    login = visitor.login
    if login is None:
        return StaysOut(Refusal.PASSWORD)
    if not attempts.is_known(gate, login):
        if attempts.too_many(gate, visitor.ip):
            return StaysOut(Refusal.TOO_MANY)
        if not attempts.is_right(gate, login):
            attempts.count_wrong(gate, visitor.ip)
            return StaysOut(Refusal.PASSWORD)
    if not visitor.asks_for_page:
        return _in(visitor, authorization=False)
    granted = passes.new_pass(Kind.PASSWORD, environment.pk, gate.pk, passes.PASSWORD_SECONDS)
    return through_all_hosts(granted, environment, visitor.label, visitor.url)


def _by_address(visitor: Visitor, _: Environment, gate: Gate) -> Answer:
    ip = visitor.ip
    networks = (ip_network(one) for one in gate.addresses)
    if ip is not None and any(ip in network for network in networks):
        return _in(visitor)
    return StaysOut(Refusal.ADDRESS)


def _by_membership(visitor: Visitor, environment: Environment, _: Gate) -> Answer:
    if not visitor.asks_for_page:
        return StaysOut(Refusal.SIGN_IN)
    return GoesTo(reading.enter_url(environment, visitor.label, visitor.uri))


_BY_MODE: dict[Mode, Callable[[Visitor, Environment, Gate], Answer]] = {
    Mode.PUBLIC: lambda visitor, *_: _in(visitor),
    Mode.BASIC: _by_password,
    Mode.ADDRESSES: _by_address,
    Mode.MEMBERS: _by_membership,
}


def through_all_hosts(granted: Pass, environment: Environment, label: str, back: str) -> GoesTo:
    """Where a browser goes to get its pass for every host of the environment; it comes back last."""
    others = [one for one in hosts(environment) if one != label]
    return GoesTo(passes.first_ticket(granted, [*others, label], back))


def hosts(environment: Environment) -> list[str]:
    """The labels under which it is served."""
    return sorted({route.label for route in routes.served(environment)})
