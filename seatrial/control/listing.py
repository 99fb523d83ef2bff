"""Lists of the REST API, a page at a time, by cursors: what is added or removed meanwhile moves nothing.

The body is the rows and nothing else; the address of the next page is in the header `Link` (RFC 8288), which is missing
at the end. A cursor names the last row of a page by what the list is ordered by, so that the row itself may go.
"""

import base64
import json
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query

from seatrial.control.inputs import InvalidInput, require_text

M = TypeVar("M", bound=Model)
MOST = 500

Limit = Annotated[
    int, Query(description=f"How many rows at most, from 1 to {MOST}; a larger number means {MOST}.")
]
Cursor = Annotated[
    str,
    Query(description="Where the page begins: take it from the header Link (rel=next) of an answer."),
]


def page(
    rows: QuerySet[M],
    request: HttpRequest,
    response: HttpResponse,
    *,
    by: tuple[str, ...],
    limit: int,
    cursor: str,
) -> list[M]:
    """The rows behind `cursor` ordered `by` columns that are all ascending or all descending (`-id`), the last one unique.

    Sets the header of `response`. Raises InvalidInput for a cursor of no list, or of another one.
    """
    limit = max(1, min(limit, MOST))
    ordered = rows.order_by(*by)
    if cursor:
        ordered = ordered.filter(_behind(by, _opened(cursor, len(by))))
    found = list(ordered[: limit + 1])
    if len(found) > limit:
        following = _cursor([getattr(found[limit - 1], name.removeprefix("-")) for name in by])
        query = urlencode({**request.GET.dict(), "cursor": following, "limit": limit})
        response["Link"] = f'<{settings.SITE_URL}{request.path}?{query}>; rel="next"'
    return found[:limit]


def _behind(by: tuple[str, ...], values: list[str]) -> Q:
    """Rows that come after `values`: equal in the first columns, beyond in the next one."""
    behind, equal = Q(pk__in=[]), Q()
    for name, value in zip(by, values, strict=True):
        column = name.removeprefix("-")
        beyond = f"{column}__lt" if name.startswith("-") else f"{column}__gt"
        behind |= equal & Q(**{beyond: value})
        equal &= Q(**{column: value})
    return behind


def _cursor(values: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _opened(cursor: str, length: int) -> list[str]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:  # of base64, of UTF-8 and of JSON
        values = None
    if not isinstance(values, list) or len(values) != length or not all(isinstance(v, str) for v in values):
        raise InvalidInput("query.cursor: not a cursor of this list. Follow the header Link of its answers.")
    for value in values:
        require_text("query.cursor", value)
    return values
