"""What every page needs of a request: somebody signed in, and only what they may see."""

from typing import Any, TypeVar

from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from seatrial.control.accounts.models import User

M = TypeVar("M", bound=models.Model)
ROWS_PER_PAGE = 50


def signed_in(request: HttpRequest) -> User:
    """The person behind a request that `login_required` let through."""
    assert isinstance(request.user, User)
    return request.user


def one(rows: QuerySet[M], key: str) -> M:
    """The row with this id among those that a person may see; to anybody else it does not exist."""
    found = rows.filter(pk=key).first()
    if found is None:
        raise Http404("There is nothing here, or it is not yours to see.")
    return found


def page_of(request: HttpRequest, rows: QuerySet[M]) -> dict[str, Any]:
    """One page of a long table, newest first; `?before=<id>` goes further back. Never counts the whole table."""
    before = request.GET.get("before", "")
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: ROWS_PER_PAGE + 1])
    older = found[ROWS_PER_PAGE - 1].pk if len(found) > ROWS_PER_PAGE else ""
    return {"rows": found[:ROWS_PER_PAGE], "older": older, "newest": not before}
