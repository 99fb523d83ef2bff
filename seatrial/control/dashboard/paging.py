"""Long tables, a page at a time."""

from typing import Any, TypeVar

from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

M = TypeVar("M", bound=models.Model)
ROWS_PER_PAGE = 50


def page_of(request: HttpRequest, rows: QuerySet[M]) -> dict[str, Any]:
    """One page of a long table, newest first; `?before=<id>` goes further back. Never counts the whole table."""
    before = request.GET.get("before", "")
    if before:
        rows = rows.filter(pk__lt=before)
    page = list(rows[: ROWS_PER_PAGE + 1])
    older = page[ROWS_PER_PAGE - 1].pk if len(page) > ROWS_PER_PAGE else ""
    return {"rows": page[:ROWS_PER_PAGE], "older": older, "newest": not before}
