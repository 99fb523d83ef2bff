"""Answers the ingress, which asks about each request for a preview with a gate, or that sleeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import iri_to_uri
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from seatrial.control.entrance import passes, waking
from seatrial.control.entrance.deciding import Answer, GetsIn, GoesTo, Refusal, StaysOut, decide
from seatrial.control.entrance.visitor import Visitor, visitor
from seatrial.control.previews import routes
from seatrial.control.previews.callbacks import began
from seatrial.control.previews.models import Environment
from seatrial.control.previews.pages.by_host import Unavailable, look_up
from seatrial.control.previews.pages.unavailable import alone
from seatrial.wire.states import EnvironmentState

DECIDED = "seatrial.decision"  # in the scope of a request
TOO_MANY_SECONDS = 60
_OF_A_GATE = ("mode", "username", "password", "addresses")
_NEEDED = [
    *("name", "state", "asleep_since", "project__workspace", "project__connection", "project__slug"),
    "project__callbacks",
    *("live__state", "candidate__state", "candidate__ready_at"),
    *(f"{deployment}__gate__{name}" for deployment in ("live", "candidate") for name in _OF_A_GATE),
]
_PAGES: dict[Refusal, tuple[int, str, str]] = {
    Refusal.SIGN_IN: (
        401,
        "Sign in first",
        "Open this address in a browser tab of its own, and sign in there.",
    ),
    Refusal.PASSWORD: (401, "This preview has a password", "Whoever gave you the address can tell you."),
    Refusal.TOO_MANY: (429, "Too many wrong passwords", "Wait for a minute, then try again."),
    Refusal.ADDRESS: (
        403,
        "You are not in the right place",
        "This preview opens from certain networks only.",
    ),
    Refusal.TOKEN: (403, "This bypass token is not valid", "It was rotated or revoked. Ask for the new one."),
    Refusal.LINK: (
        403,
        "This guest link is not valid",
        "It has expired, or it was revoked. Ask for another one.",
    ),
    Refusal.TICKET: (403, "That took too long", "Open the preview's address again."),
}


@dataclass(frozen=True)
class Decision:
    """What a visitor of a preview is answered."""

    visitor: Visitor
    environment: Environment
    answer: Answer

    @property
    def sleeps(self) -> bool:
        """Whether the preview has to be woken before anybody is let through."""
        return self.environment.asleep_since is not None


def decision(headers: Mapping[str, str]) -> Decision | None:
    """Decide about the visitor that the ingress describes; None if there is no preview to get into. Wrong passwords are counted, so it
    is called once for each request."""
    who = visitor(headers)
    environment = _environment(who.label)
    deployment = routes.shown_to_visitors(environment) if environment is not None else None
    if environment is None or deployment is None:  # its routes may still be there for a moment
        return None
    return Decision(who, environment, decide(who, environment, deployment.gate))


@csrf_exempt
@never_cache
def gatekeeper(request: HttpRequest) -> HttpResponseBase:
    """Whether the visitor that the ingress describes gets in: 200, with the headers that the preview may see, or what the visitor is
    answered. `Ahead` may have decided it."""
    decided: Decision | None = getattr(request, "scope", {}).get(DECIDED) or decision(request.headers)
    if decided is None:
        return alone(request, look_up(request.headers.get("X-Forwarded-Host", "")))
    match decided.answer:
        case GetsIn() as entry:
            return _held(request, decided) or HttpResponse(headers=passed_on(entry) | remembered(decided))
        case GoesTo(url, granted):
            answer = HttpResponse(
                status=HTTPStatus.FOUND,
                headers={"Location": iri_to_uri(url), "Referrer-Policy": "no-referrer"},
            )
            if granted is not None:
                answer["Set-Cookie"] = passes.set_cookie(granted)
            return answer
        case StaysOut(why):
            return _out(request, why, decided.environment.name)


def _held(request: HttpRequest, decided: Decision) -> HttpResponseBase | None:
    """What a visitor of a preview that sleeps is answered, if not the preview itself."""
    if not decided.sleeps:
        return None
    rows = Environment.objects.select_related("project", "live__agent", "candidate")
    environment = rows.filter(pk=decided.environment.pk).first()
    return waking.answer(request, decided.visitor, environment) if environment is not None else None


def passed_on(entry: GetsIn) -> dict[str, str]:
    """The headers that the preview gets. Those that are missing here are taken from the request; the token is never passed on."""
    given = {"Cookie": entry.cookies, "Authorization": entry.authorization}
    return {name: value for name, value in given.items() if value}


def remembered(decided: Decision) -> dict[str, str]:
    """For pages of projects with a callback host: the cookie by which that leads back here."""
    if not decided.visitor.asks_for_page or not decided.environment.project.callbacks:
        return {}
    before = began.read(decided.visitor.cookies)
    cookie = began.set_cookie(before, decided.environment.pk, decided.visitor.label)
    return {} if cookie is None else {"Set-Cookie": cookie}


def _environment(label: str) -> Environment | None:
    """With what a decision needs in most cases; the rest is looked up when it is asked for."""
    rows = Environment.objects.select_related("project", "live__gate", "candidate__gate")
    rows = rows.only(*_NEEDED).exclude(state=EnvironmentState.TERMINATED)
    return rows.filter(labels=label).order_by().first() if label else None


def _out(request: HttpRequest, why: Refusal, name: str) -> HttpResponseBase:
    status, title, text = _PAGES[why]
    answer = alone(request, Unavailable("protected", title, text, status))
    if why is Refusal.PASSWORD:
        answer["WWW-Authenticate"] = f'Basic realm="{name}", charset="UTF-8"'
    if why is Refusal.TOO_MANY:
        answer["Retry-After"] = str(TOO_MANY_SECONDS)
    return answer
