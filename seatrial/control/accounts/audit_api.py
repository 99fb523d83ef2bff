"""REST: the audit log: listing, exporting and verifying it. The app `audit` is below this one, which knows who may."""

import json
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from seatrial.control.accounts import tokens
from seatrial.control.accounts.access import (
    Action,
    allowed,
    allowed_somewhere,
    require,
    require_somewhere,
    visible,
)
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.accounts.pages import still_watching
from seatrial.control.answers import ErrorAnswer
from seatrial.control.audit import services as audit
from seatrial.control.audit.checking import Checked, head_of, steps
from seatrial.control.audit.exporting import TYPES, ExportFormat, pieces, record_of
from seatrial.control.audit.models import AuditEntry
from seatrial.control.audit.searching import Wanted, matching
from seatrial.control.dashboard.streams import CUT_OFF, Watched, records
from seatrial.control.listing import MOST, Cursor, Limit, page

router = Router(tags=["audit"])
OfActor = Annotated[str, Query(max_length=200, description="Only with this text in the actor.")]
OfAction = Annotated[
    str, Query(max_length=100, description="Only actions that begin so, such as user. or project.create.")
]
OfTarget = Annotated[str, Query(max_length=200, description="Only with this text in the target.")]
Since = Annotated[datetime | None, Query(description="Only from this moment on.")]
Until = Annotated[datetime | None, Query(description="Only from before this moment.")]
Form = Annotated[ExportFormat, Query(description="csv, or jsonl: one JSON object a line.")]
Kept = Annotated[
    str, Query(max_length=100, description="NUMBER:HASH that an earlier verification printed; empty: none.")
]
REFUSED: dict[int, Any] = {400: ErrorAnswer, 403: ErrorAnswer}


class AuditEntryAnswer(Schema):
    """One thing somebody did."""

    id: str = Field(description="Its id. They are in the order of time.")
    at: datetime = Field(description="When.")
    actor: str = Field(description="Who, for people.")
    actor_kind: str = Field(description="person, token, agent, system, forge or anonymous.")
    action: str = Field(description="What: noun.verb.")
    target: str = Field(description="Of what: noun/id.")
    workspace: str = Field(description="Id of the workspace; empty: of the whole instance.")
    address: str | None = Field(description="Where the request came from; null: from no request.")
    details: dict[str, Any] = Field(description="More about it, such as values before and after. No secrets.")


@router.get(
    "/audit", response={200: list[AuditEntryAnswer], **REFUSED}, summary="Who did what, the newest first"
)
def list_audit(
    request: HttpRequest,
    response: HttpResponse,
    actor: OfActor = "",
    action: OfAction = "",
    target: OfTarget = "",
    since: Since = None,
    until: Until = None,
    limit: Limit = MOST,
    cursor: Cursor = "",
) -> list[AuditEntryAnswer]:
    """Of the workspaces where you are admin or owner; the instance admin sees all."""
    rows = matching(_seen(request), Wanted(actor, action, target, since, until))
    found = page(rows, request, response, by=("-id",), limit=limit, cursor=cursor)
    return [AuditEntryAnswer(**{**record_of(row), "at": row.at}) for row in found]


@router.get("/audit/export", response=REFUSED, summary="The audit log as a file")
def export_audit(
    request: HttpRequest,
    format: Form = ExportFormat.CSV,
    actor: OfActor = "",
    action: OfAction = "",
    target: OfTarget = "",
    since: Since = None,
    until: Until = None,
) -> HttpResponseBase:
    """A stream of the same entries, the oldest first. One that was cut off says so in its last line. Is in the log itself."""
    wanted = Wanted(actor, action, target, since, until)
    rows = matching(_seen(request), wanted)
    _record_export(request, format, wanted)
    answer = records(
        request,
        lambda: _aside(pieces(rows, format)),
        Watched(
            _still_asking,
            lambda user: allowed_somewhere(user, Action.VIEW_AUDIT) or None,
            lambda user: "",
        ),
        content_type=TYPES[format],
        cut_off=CUT_OFF if format is ExportFormat.CSV else '{"end": "cut_off"}\n',
        silence="",
    )
    answer["Content-Disposition"] = f'attachment; filename="audit-{timezone.now():%Y-%m-%d}.{format}"'
    return answer


@router.get("/audit/verify", response=REFUSED, summary="Verify the audit log")
def verify_audit(request: HttpRequest, head: Kept = "") -> HttpResponseBase:
    """A stream of JSON objects, one a line: how far it came, and at last what it found (`ended`: true), with the first `fault`
    or null. For the instance admin: the chain is one over all workspaces."""
    require(person(request), Action.VIEW_AUDIT, None)
    expected = head_of(head)
    return records(
        request,
        lambda: _aside(_lines(steps(expected))),
        Watched(
            _still_asking,
            lambda user: allowed(user, Action.VIEW_AUDIT, None) or None,
            lambda user: "",
        ),
        content_type="application/x-ndjson",
        cut_off='{"end": "cut_off"}\n',
        silence="\n",
    )


def _seen(request: HttpRequest) -> QuerySet[AuditEntry]:
    user = person(request)
    require_somewhere(user, Action.VIEW_AUDIT)
    return visible(user, AuditEntry)


def _record_export(request: HttpRequest, form: ExportFormat, wanted: Wanted) -> None:
    details = {"format": form, **wanted.as_details()}
    audit.record("audit_log.export", "audit_log", by=actor(request), details=details)


def _lines(checks: Iterator[Checked]) -> Iterator[str]:
    last = None
    for one in checks:
        if last is not None:
            yield answer_of(last, ended=False)
        last = one
    if last is not None:
        yield answer_of(last, ended=True)


def answer_of(checked: Checked, *, ended: bool) -> str:
    """A line of JSON about a verification."""
    return json.dumps({"ended": ended, **checked.told()}) + "\n"


async def _aside(texts: Iterator[str]) -> AsyncGenerator[str, None]:
    """`texts`, each made in a thread with a connection of its own that is closed after it."""

    def following() -> str | None:
        close_old_connections()
        try:
            return next(texts, None)
        finally:
            close_old_connections()

    step = sync_to_async(following, thread_sensitive=False)
    while (text := await step()) is not None:
        yield text


def _still_asking(request: HttpRequest) -> User | None:
    """The person as they are now; None once they have signed out, or their token is revoked."""
    if not isinstance(getattr(request, "auth", None), ApiToken):
        return still_watching(request)
    row = tokens.find(request.headers.get("Authorization", "").partition(" ")[2].strip())
    return row.user if row else None
