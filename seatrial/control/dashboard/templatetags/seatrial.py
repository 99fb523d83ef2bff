"""Words and marks for templates: states, times, durations, addresses of our own files."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.forms import BoundField
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from seatrial.control.dashboard import states
from seatrial.control.dashboard.coloured import pieces
from seatrial.control.dashboard.links import Link
from seatrial.control.dashboard.states import Face
from seatrial.wire.counted import counted as counted_words
from seatrial.wire.states import Isolation

register = template.Library()

MINUTE, HOUR, DAY = 60, 3_600, 86_400


@register.simple_tag
def asset(name: str) -> str:
    """The address of one of our static files, changing when its content does."""
    return _address(name)


@lru_cache(maxsize=32)
def _address(name: str) -> str:
    """Looked up once per process: a page has a hundred icons."""
    path = finders.find(f"dashboard/{name}")
    address = static(f"dashboard/{name}")
    if not isinstance(path, str):
        return address
    return f"{address}?v={hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]}"


@register.simple_tag
def static_file(name: str) -> str:
    """The plain address of one of our static files, as the stylesheet writes it."""
    return static(f"dashboard/{name}")


@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """One icon of the sprite; decoration to a screen reader, because a word stands beside it."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        f" icon-{size}" if size else "",
        _address("vendor/icons.svg"),
        name,
    )


@register.simple_tag
def badge(state: str | Face, size: str = "") -> SafeString:
    """Colour, icon and word of a state."""
    face = state if isinstance(state, Face) else states.face(state)
    shape = f"{face.tone} {size}".strip()
    return format_html('<span class="badge {}">{}{}</span>', shape, icon(face.icon), face.word)


@register.filter
def linked(text: str, links: Mapping[str, Link]) -> SafeString:
    """`text` with the names of things instead of the keys of `links`. A name leads to its page; hovering shows the key."""
    if not links:
        return format_html("{}", text)
    keys = "|".join(map(re.escape, sorted(links, key=len, reverse=True)))
    parts = re.split(rf"(?<![\w-])({keys})(?![\w-])", text)
    return format_html_join(
        "", "{}", ((_link(part, links[part]) if part in links else part,) for part in parts)
    )


def _link(key: str, link: Link) -> SafeString:
    if not link.address:
        return format_html('<span title="{}">{}</span>', key, link.name)
    return format_html('<a href="{}" title="{}">{}</a>', link.address, key, link.name)


@register.filter
def state_face(state: str) -> Face:
    """The face of a state."""
    return states.face(state)


@register.simple_tag(takes_context=True)
def querystring_without(context: template.Context, name: str) -> SafeString:
    """The request's query string without `name`; a further parameter can be appended to it."""
    query = context["request"].GET.copy()
    query.pop(name, None)
    text = query.urlencode()
    return format_html("{}", f"{text}&" if text else "")


@register.filter
def without_placeholder(field: BoundField) -> SafeString:
    """The field without a placeholder, because its label already says what it is."""
    return field.as_widget(attrs={"placeholder": ""})


@register.filter
def pretty(value: Any) -> str:
    """JSON, indented for people to read."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


@register.filter
def coloured(text: object) -> SafeString:
    """What a program printed, with its colours; what a terminal would obey is written out."""
    found = [piece for line in str(text).split("\n") for piece in (("", "\n"), *pieces(line))][1:]
    shown = ((format_html('<span class="{}">{}</span>', *one) if one[0] else one[1],) for one in found)
    return format_html_join("", "{}", shown)


@register.filter
def counted(number: int, one: str) -> str:
    """`1 line`, `2 lines`; for a plural of its own: `"policy,policies"`."""
    return counted_words(number, *one.split(","))


@register.filter
def quarter(index: int) -> int:
    """The position of one of five ticks, in percent."""
    return index * 25


@register.filter
def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return ""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{int(seconds // MINUTE)} min {int(seconds % MINUTE)} s"
    return f"{int(seconds // HOUR)} h {int(seconds % HOUR // MINUTE)} min"


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """Relative in words, absolute on hover."""
    if moment is None:
        return "never"
    length = _length(moment)
    return _time(moment, f"{length} ago" if length else "just now")


@register.filter
def until(moment: datetime) -> SafeString:
    """When something comes, in words: `in 13 days`, `3 days ago`; the date on hover."""
    length = _length(moment)
    if length:
        return _time(moment, f"{length} ago")
    ahead = _in_units((moment - timezone.now()).total_seconds())
    utc = moment.astimezone(UTC).strftime("%-d %B %Y, %H:%M:%S UTC")
    return format_html('<span title="{}">{}</span>', utc, f"in {ahead}" if ahead else "now")


@register.filter
def lasting(since: datetime) -> SafeString:
    """`for 2 minutes`, with the moment since when on hover."""
    return _time(since, f"for {_length(since) or 'a moment'}", " data-lasting")


def _time(moment: datetime, words: str, kind: str = "") -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        moment.isoformat(timespec="seconds"),
        moment.strftime("%-d %B %Y, %H:%M:%S UTC"),
        kind,
        words,
    )


def _length(since: datetime) -> str:
    """How long ago, in its largest unit; empty for what is hardly past."""
    return _in_units((timezone.now() - since).total_seconds())


def _in_units(seconds: float) -> str:
    """In its largest unit; empty for less than five seconds."""
    for size, unit in [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")]:
        count = int(seconds // size)
        if count >= 1 and seconds >= 5:
            return counted_words(count, unit)
    return ""


@register.filter
def clock(moment: datetime) -> SafeString:
    """The time of day of something that is to come, the date on hover. No `<time>`: scripts keep those relative to now."""
    utc = moment.astimezone(UTC)
    return format_html(
        '<span title="{}">{}</span>', utc.strftime("%-d %B %Y, %H:%M:%S UTC"), utc.strftime("%H:%M UTC")
    )


@register.filter
def length_of_time(seconds: float) -> str:
    """A length of time that somebody has set: `10 minutes`, `90 seconds`."""
    for size, unit in [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")]:
        if seconds >= size and seconds % size == 0:
            return counted_words(int(seconds // size), unit)
    return f"{seconds:g} second{'' if seconds == 1 else 's'}"


@register.filter
def commit(sha: str) -> SafeString | str:
    """The first ten characters of a commit, the whole on hover."""
    if not sha:
        return ""
    return format_html('<code class="commit" title="{}">{}</code>', sha, sha[:10])


@register.filter
def megabytes(value: float | None) -> str:
    """Megabytes in human units."""
    if not value:
        return "unknown"
    return f"{value / 1024:.1f} GB" if value >= 1024 else f"{value:.0f} MB"


@register.filter
def score(value: float | None) -> str:
    """A score without needless decimals."""
    return "" if value is None else f"{value:g}"


@register.filter
def isolation(value: str) -> str:
    """What ran the code, in words."""
    return {
        Isolation.GVISOR.value: "gVisor sandbox",
        Isolation.CONTAINER.value: "container, shared kernel",
        Isolation.PROCESS.value: "no isolation",
    }.get(value, "unknown")
