"""What visitors of a preview that sleeps are answered. They have got in: who may not enter does not wake it."""

import threading
import time
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from seatrial.control.entrance.visitor import Visitor
from seatrial.control.previews import routes
from seatrial.control.previews.models import Environment
from seatrial.control.previews.pages.by_host import Unavailable
from seatrial.control.previews.pages.unavailable import alone
from seatrial.control.previews.sleeping import callers
from seatrial.control.previews.sleeping import services as sleeping
from seatrial.wire.states import EnvironmentState

HOLD_SECONDS = 25.0  # the ingress gives up after 30
LOOK_SECONDS = 0.1
MOVED_SECONDS = 1.0  # until the ingress knows where else it answers
MOST_HELD = 20  # per process, because each of them holds a thread and a connection to the database
AGAIN_SECONDS = 5
SLEEPING = "X-Galley-Sleeping"
_held = threading.BoundedSemaphore(MOST_HELD)


def answer(request: HttpRequest, visitor: Visitor, environment: Environment) -> HttpResponseBase | None:
    """None: the request goes on to the preview, which runs. The caller holds no transaction.

    Browsers get a page, which turns into the application. Others are held until it runs. Who does not count as a visitor, and the
    page itself when it looks, wake nothing, and are not told that all is well.
    """
    if environment.asleep_since is None:
        return None
    if not callers.counts(request.headers):
        return _nothing("This preview sleeps. Visitors wake it.")
    if callers.LOOK in request.headers:
        return _page(request, visitor, environment)
    before = routes.served(environment)
    sleeping.woken_by_visit(environment)
    if visitor.asks_for_page:
        return _page(request, visitor, environment)
    return _hold(visitor, environment, before)


def _hold(visitor: Visitor, environment: Environment, before: list[routes.Route]) -> HttpResponseBase | None:
    if not _held.acquire(blocking=False):
        return _later("Many requests wait for this preview to wake.")
    try:
        until = time.monotonic() + HOLD_SECONDS
        while not _is_up(environment, visitor.label):
            trouble = sleeping.trouble(environment)
            if trouble or time.monotonic() > until:
                return _later(trouble or f"This preview is waking: {sleeping.progress(environment)}.")
            time.sleep(LOOK_SECONDS)
    finally:
        _held.release()
    if (
        routes.served(environment) != before
    ):  # it answers elsewhere than where the ingress would take this request
        time.sleep(MOVED_SECONDS)
        return HttpResponse(status=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": visitor.url})
    return None


def _is_up(environment: Environment, label: str) -> bool:
    """Asked of the database. While it sleeps, what is known of its services is from before."""
    environment.refresh_from_db()
    return environment.asleep_since is None or (
        environment.waking_since is not None and sleeping.up(environment, label)
    )


def _page(request: HttpRequest, visitor: Visitor, environment: Environment) -> HttpResponseBase | None:
    if _is_up(environment, visitor.label):
        return None
    trouble, progress = sleeping.trouble(environment), sleeping.progress(environment)
    title = "The preview does not wake" if trouble else "The preview is waking up"
    text = trouble or "Nobody visited it for a while, so it slept. It appears here by itself."
    shown = Unavailable(
        EnvironmentState.HIBERNATING, title, text, 503, AGAIN_SECONDS, progress=progress, look_seconds=0.4
    )
    return alone(request, shown)


def _nothing(said: str) -> HttpResponse:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return HttpResponse(f"{said}\n", status=status, content_type="text/plain", headers={SLEEPING: "1"})


def _later(said: str) -> HttpResponse:
    answer = _nothing(said)
    answer["Retry-After"] = str(AGAIN_SECONDS)
    return answer
