"""REST: what previews printed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from ninja import Path, Query, Router

from seatrial.control.accounts import tokens
from seatrial.control.accounts.access import find_visible, visible
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.accounts.pages import still_watching
from seatrial.control.answers import ErrorAnswer
from seatrial.control.dashboard.streams import CUT_OFF, Watched, records
from seatrial.control.previews.apps import log_tails
from seatrial.control.previews.kept_lines import (
    MOST_NEWEST,
    Line,
    LogEnd,
    Place,
    Wanted,
    lines,
    place_of,
    record,
)
from seatrial.control.previews.models import Environment
from seatrial.control.previews.pages.speakers import Speakers

router = Router(tags=["previews"])


class LogForm(StrEnum):
    """How the lines are written."""

    JSON = "json"
    TEXT = "text"


EnvironmentId = Annotated[str, Path(description="Id of a preview.")]
OfDeployment = Annotated[
    str, Query(description="Only those of the deployment with this id; empty: of all since the newest began.")
]
OfService = Annotated[str, Query(description="Only those of this service; `_system`: of the deployment.")]
Search = Annotated[str, Query(max_length=200, description="Only lines with this text, whatever its case.")]
Since = Annotated[datetime | None, Query(description="Only lines from this moment on.")]
SinceSeconds = Annotated[
    int, Query(ge=0, le=10**9, description="Only lines of so many last seconds; 0: see `since`.")
]
Newest = Annotated[
    int, Query(ge=0, le=MOST_NEWEST, description="Only so many of the kept lines, the newest; 0: all.")
]
Follow = Annotated[bool, Query(description="Whether to go on with the lines that come.")]
Form = Annotated[
    LogForm,
    Query(
        description="json: one object a line; text: when (UTC), service, its part and the line, as a file."
    ),
]
REFUSED: dict[int, Any] = {404: ErrorAnswer}


@router.get(
    "/environments/{environment_id}/log", response=REFUSED, summary="What a preview printed, line by line"
)
def get_log(
    request: HttpRequest,
    environment_id: EnvironmentId,
    deployment: OfDeployment = "",
    service: OfService = "",
    search: Search = "",
    since: Since = None,
    since_seconds: SinceSeconds = 0,
    newest: Newest = 0,
    follow: Follow = False,
    form: Form = LogForm.JSON,
) -> HttpResponseBase:
    """A stream of lines, each a JSON object (`at`, `deployment`, `service`, `source`, `stream`, `text`), the oldest first. Between
    them, empty lines show that it goes on. The last object has only `end`: complete, bus_away (lines are missing), or cut_off."""
    environment = find_visible(person(request), Environment, environment_id)
    if since_seconds:
        since = timezone.now() - timedelta(seconds=since_seconds)
    wanted = Wanted(deployment, service, search, _aware(since), newest, follow)
    place = place_of(environment, wanted)
    as_text = form is LogForm.TEXT
    answer = records(
        request,
        lambda: _written(environment.pk, place, wanted, as_text=as_text),
        _watched(environment.pk),
        content_type="text/plain; charset=utf-8" if as_text else "application/x-ndjson",
        cut_off=CUT_OFF if as_text else record(LogEnd.CUT_OFF),
        silence="" if as_text else "\n",
    )
    if as_text:
        answer["Content-Disposition"] = f'attachment; filename="{environment.name}.log"'
    return answer


def _aware(since: datetime | None) -> datetime | None:
    """One without an offset is in UTC, as everything that we say is."""
    return timezone.make_aware(since) if since is not None and timezone.is_naive(since) else since


async def _written(key: str, place: Place, wanted: Wanted, *, as_text: bool) -> AsyncGenerator[str, None]:
    async with aclosing(lines(log_tails(), place, wanted, Speakers(key))) as items:
        async for item in items:
            if said := _text(item) if as_text else record(item):
                yield said


def _text(item: Line | LogEnd) -> str:
    if isinstance(item, Line):
        return f"{item.at} {item.service} {item.source} {item.text}\n"
    missing = "-- The bus does not answer: lines are missing here. Ask again in a while.\n"
    return missing if item is LogEnd.BUS_AWAY else ""


def _watched(key: str) -> Watched[User]:
    """Reading ends when whoever asked may not see the preview any more."""
    return Watched(
        _still_asking,
        lambda user: visible(user, Environment).filter(pk=key).exists() or None,
        lambda user: "",
    )


def _still_asking(request: HttpRequest) -> User | None:
    """The person as they are now; None once they have signed out, or their token is revoked."""
    if not isinstance(getattr(request, "auth", None), ApiToken):
        return still_watching(request)
    row = tokens.find(request.headers.get("Authorization", "").partition(" ")[2].strip())
    return row.user if row else None
