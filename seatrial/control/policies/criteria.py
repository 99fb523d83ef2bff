"""Which policies apply to an event: {events: [...], ref: regex, languages: [...]}; what is empty applies to all."""

import re
from typing import Any

MANUAL = "manual"  # somebody asked for exactly this: the kind of event does not matter
MAX_PATTERN = 500


class BadCriteria(ValueError):
    """The criteria cannot be understood; the message names the key and the fix."""


def applies(criteria: dict[str, Any], *, event: str, ref: str) -> bool:
    """True when a policy with `criteria` is to run. Raises BadCriteria."""
    return _event_applies(criteria.get("events"), event) and _ref_applies(criteria.get("ref"), ref)


def short_name(ref: str) -> str:
    """`ref` without refs/heads/ or refs/tags/."""
    return re.sub(r"^refs/(heads|tags)/", "", ref)


def _event_applies(events: Any, event: str) -> bool:
    if not events:
        return True
    if not isinstance(events, list):
        raise BadCriteria("criteria.events must be a list, for instance [push, pull_request]")
    return event == MANUAL or event in events


def _ref_applies(pattern: Any, ref: str) -> bool:
    """The regular expression is searched for in the full and in the short name; an event without a ref passes."""
    if not pattern or not ref:
        return True
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise BadCriteria(f"criteria.ref must be a regular expression of at most {MAX_PATTERN} characters")
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise BadCriteria(f"criteria.ref {pattern!r} is not a regular expression: {error}") from error
    return bool(expression.search(ref) or expression.search(short_name(ref)))
