"""Which policies apply to an event: {events: [...], ref: regex, languages: [...]}; an empty one matches everything."""

import re
from typing import Any

from seatrial.control.policies.errors import BadCriteria
from seatrial.wire.words import EventKind

MAX_PATTERN = 500
EXAMPLES = {"events": "[push, pull_request]", "ref": "^main$", "languages": "[Python, Go]"}
KNOWN = "events, ref and languages"


def applies(criteria: Any, *, event: EventKind, ref: str) -> bool:
    """True when a policy with `criteria` is to run. Raises BadCriteria.

    Of the languages only the shape is checked: only the agent knows what a commit is written in.
    """
    _check(criteria)
    return _event_applies(criteria.get("events"), event) and _ref_applies(criteria.get("ref"), ref)


def _check(criteria: Any) -> None:
    if not isinstance(criteria, dict):
        raise BadCriteria(f"criteria must be a dictionary with {KNOWN}")
    for key, value in criteria.items():
        if key not in EXAMPLES:
            raise BadCriteria(f"criteria.{key} is not known; there are {KNOWN}")
        if key != "ref" and value and not _is_list_of_text(value):
            raise BadCriteria(f"criteria.{key} must be a list of texts, for instance {EXAMPLES[key]}")


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def short_name(ref: str) -> str:
    """`ref` without refs/heads/ or refs/tags/."""
    return re.sub(r"^refs/(heads|tags)/", "", ref)


def _event_applies(events: Any, event: EventKind) -> bool:
    """When somebody asked for the evaluation by hand, the policy's events do not matter. A merge queue's commits are made of
    pull requests, so what applies to those applies to them.
    """
    if not events or event == EventKind.MANUAL:
        return True
    return event in events or (event == EventKind.MERGE_QUEUE and EventKind.PULL_REQUEST in events)


def _ref_applies(pattern: Any, ref: str) -> bool:
    """The regular expression is searched for in the full and in the short name; an event without a ref matches."""
    if not pattern or not ref:
        return True
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise BadCriteria(f"criteria.ref must be a regular expression of at most {MAX_PATTERN} characters")
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise BadCriteria(f"criteria.ref {pattern!r} is not a regular expression: {error}") from error
    return bool(expression.search(ref) or expression.search(short_name(ref)))
