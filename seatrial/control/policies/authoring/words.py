"""What a policy applies to, in a sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.wire.words import EventKind

_EVENTS: dict[str, str] = {
    EventKind.PUSH: "pushes",
    EventKind.PULL_REQUEST: "pull requests",
    EventKind.TAG: "tags",
    EventKind.MERGE_QUEUE: "merge queues",
    EventKind.MANUAL: "evaluations by hand",
    EventKind.PREVIEW: "previews",
}


def criteria_in_words(criteria: Mapping[str, Any]) -> str:
    """`Runs on pull requests and pushes, where the commit has Python or Go.`"""
    events = [_EVENTS.get(one, str(one)) for one in _texts(criteria.get("events"))]
    said = f"Runs on {_joined(events, 'and')}" if events else "Runs on every event"
    if criteria.get("ref"):
        said += f", of branches and tags that match {criteria['ref']}"
    if languages := _texts(criteria.get("languages")):
        said += f", where the commit has {_joined(languages, 'or')}"
    return f"{said}."


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _joined(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
