"""Answers the ingress, which asks about each request for a preview with a gate, or that sleeps."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import iri_to_uri
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from seatrial.control.entrance import passes, waking
from seatrial.control.entrance.deciding import GetsIn, GoesTo, Refusal, StaysOut, decide
from seatrial.control.entrance.visitor import visitor
from seatrial.control.previews import routes
from seatrial.control.previews.models import Environment
from seatrial.control.previews.pages.by_host import Unavailable, look_up
from seatrial.control.previews.pages.unavailable import alone
from seatrial.wire.states import EnvironmentState

TOO_MANY_SECONDS = 60
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


@csrf_exempt
@never_cache
def gatekeeper(request: HttpRequest) -> HttpResponseBase:
    """Whether the visitor that the ingress describes gets in: 200, with the headers that the preview may see, or what the visitor is
    answered."""
    who = visitor(request)
    environment = _environment(who.label)
    deployment = routes.shown_to_visitors(environment) if environment is not None else None
    if environment is None or deployment is None:  # its routes may still be there for a moment
        return alone(request, look_up(request.headers.get("X-Forwarded-Host", "")))
    match decide(who, environment, deployment.gate):
        case GetsIn(cookies, authorization):
            return waking.answer(request, who, environment) or _in(cookies, authorization)
        case GoesTo(url, granted):
            answer = HttpResponse(
                status=HTTPStatus.FOUND,
                headers={"Location": iri_to_uri(url), "Referrer-Policy": "no-referrer"},
            )
            if granted is not None:
                answer["Set-Cookie"] = passes.set_cookie(granted)
            return answer
        case StaysOut(why):
            return _out(request, why, environment.name)


def _environment(label: str) -> Environment | None:
    rows = Environment.objects.select_related("project", "live__gate", "candidate__gate")
    rows = rows.exclude(state=EnvironmentState.TERMINATED)
    return rows.filter(labels=label).first() if label else None


def _in(cookies: str, authorization: str) -> HttpResponse:
    """Headers that are missing here are taken from the request; the token is never passed on."""
    answer = HttpResponse()
    if cookies:
        answer["Cookie"] = cookies
    if authorization:
        answer["Authorization"] = authorization
    return answer


def _out(request: HttpRequest, why: Refusal, name: str) -> HttpResponseBase:
    status, title, text = _PAGES[why]
    answer = alone(request, Unavailable("protected", title, text, status))
    if why is Refusal.PASSWORD:
        answer["WWW-Authenticate"] = f'Basic realm="{name}", charset="UTF-8"'
    if why is Refusal.TOO_MANY:
        answer["Retry-After"] = str(TOO_MANY_SECONDS)
    return answer
