"""The page that searches everything a preview printed and that is still kept."""

import asyncio
import re
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from seatrial.control.accounts.models import User
from seatrial.control.accounts.pages import watcher
from seatrial.control.previews.apps import log_tails
from seatrial.control.previews.kept_lines import Line, LogEnd, Place, Wanted, lines, place_of
from seatrial.control.previews.models import Environment
from seatrial.control.previews.pages.environment import find_environment
from seatrial.control.previews.pages.speakers import Speakers
from seatrial.wire.words import SYSTEM_SERVICE

MOST_LINES = 1_000
MOST_CHARACTERS = 200  # of what is searched for
SECONDS = 15.0


@dataclass(frozen=True)
class Hit:
    """A line that was found. `anchor` is the same whenever it is found, so that people can send each other the address."""

    anchor: str
    line: Line
    text: SafeString

    @property
    def by(self) -> str:
        """Who printed it, as the log of a preview's page says."""
        return "deployment" if self.line.service == SYSTEM_SERVICE else self.line.service


@dataclass(frozen=True)
class Found:
    """The newest lines that were found; how many there are in all; whether everything that is kept was read."""

    hits: list[Hit]
    total: int
    whole: bool


@require_GET
async def search(request: HttpRequest, key: str) -> HttpResponseBase:
    """The page, with a form; and with the lines, once something is searched for."""
    user = await watcher(request)
    environment, wanted, place, deployments = await sync_to_async(_asked)(request, user, key)
    found = await _found(environment.pk, place, wanted) if wanted.search else None
    context = {
        "environment": environment,
        "tab": "projects",
        "deployments": deployments,
        "wanted": wanted,
        "found": found,
        "most": MOST_LINES,
    }
    return await sync_to_async(render)(request, "previews/search.html", context)


def _asked(request: HttpRequest, user: User, key: str) -> tuple[Environment, Wanted, Place, list[Any]]:
    environment = find_environment(user, key)
    given = {
        name: request.GET.get(name, "").replace("\0", "") for name in ("deployment", "service", "search")
    }
    wanted = Wanted(given["deployment"], given["service"].strip(), given["search"][:MOST_CHARACTERS])
    deployments = list(environment.deployments.exclude(agent=None).order_by("-id")[:50])
    return environment, wanted, place_of(environment, wanted), deployments


async def _found(key: str, place: Place, wanted: Wanted) -> Found:
    kept: deque[Line] = deque(maxlen=MOST_LINES)
    total, whole = 0, False
    try:
        async with (
            asyncio.timeout(SECONDS),
            aclosing(lines(log_tails(), place, wanted, Speakers(key))) as items,
        ):
            async for item in items:
                if isinstance(item, Line):
                    total += 1
                    kept.append(item)
                else:
                    whole = item is LogEnd.COMPLETE
    except TimeoutError:
        whole = False
    return Found(list(_hits(kept, wanted.search)), total, whole)


def _hits(kept: deque[Line], sought: str) -> Iterator[Hit]:
    same: Counter[str] = Counter()
    for line in kept:
        place = f"{re.sub('[^0-9]', '', line.at[:23])}-{line.service}"
        same[place] += 1
        yield Hit(f"line-{place}-{same[place]}", line, marked(line.text, sought))


def marked(text: str, sought: str) -> SafeString:
    """`text` as HTML, with `sought` marked in it, whatever its case."""
    parts = re.split(f"({re.escape(sought)})", text, flags=re.IGNORECASE) if sought else [text]
    shown = (
        (format_html("<mark>{}</mark>", part) if place % 2 else part,) for place, part in enumerate(parts)
    )
    return format_html_join("", "{}", shown)
