"""Which policies apply to an event: {events: [...], ref: regex, languages: [...]}; an empty one matches everything.

`ref` is matched by RE2 (see `refs`), in a time that grows with the length of the ref and with nothing else: whoever writes a policy cannot hold
up those whose events wait for it.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from seatrial.control.policies.errors import BadCriteria
from seatrial.linguist import data, language_named, left_out
from seatrial.wire.visible import visible
from seatrial.wire.words import EventKind

MAX_PATTERN = 500
MAX_PROGRAM = 1 << 16  # bytes of a compiled expression; such a one takes two milliseconds at most for any ref
MOST = 100  # of events, or of languages
EXAMPLES = {"events": '["push", "pull_request"]', "ref": '"^main$"', "languages": '["Python", "Go"]'}
KNOWN = "events, ref and languages"
# What forges call the same events. Spaces and hyphens are underscores here, and `hook` or `events` at the end is left out.
ALIASES = {
    "merge_request": EventKind.PULL_REQUEST,
    "pull_requests": EventKind.PULL_REQUEST,
    "merge_requests": EventKind.PULL_REQUEST,
    "pull_request_target": EventKind.PULL_REQUEST,
    "pull_request_sync": EventKind.PULL_REQUEST,
    "mr": EventKind.PULL_REQUEST,
    "pr": EventKind.PULL_REQUEST,
    "pushes": EventKind.PUSH,
    "tag_push": EventKind.TAG,
    "tags": EventKind.TAG,
    "create": EventKind.TAG,  # a new branch comes as a push
    "merge_group": EventKind.MERGE_QUEUE,
    "merge_train": EventKind.MERGE_QUEUE,
}
NAMED = [kind for kind in EventKind if kind is not EventKind.PREVIEW]
# Events of forges that lead to no evaluation, and what to name instead
OTHERWISE = {
    "release": "a release is made at a tag: name tag",
    "schedule": "how often a project is evaluated again is one of its settings",
    "preview": "a policy that looks at previews says LIVE = True",
    "workflow_dispatch": "evaluations by hand run every policy, whatever its events",
}


@dataclass(frozen=True)
class Criteria:
    """Criteria that were checked: `events` and `languages` by our names for them. What is empty matches everything."""

    events: tuple[EventKind, ...] = ()
    ref: str = ""
    languages: tuple[str, ...] = ()

    def stored(self) -> dict[str, Any]:
        """What the database keeps, with only those that say something."""
        every = {"events": [str(one) for one in self.events], "ref": self.ref, "languages": [*self.languages]}
        return {name: value for name, value in every.items() if value}

    def apply_to(self, event: EventKind) -> bool:
        """Whether a policy with these runs, as far as the event says: `refs` knows what applies to a ref, and only the agent what
        languages a commit has.

        When somebody asked for the evaluation by hand, the policy's events do not matter. A merge queue's commits are made
        of pull requests, so what applies to those applies to them.
        """
        if not self.events or event == EventKind.MANUAL:
            return True
        if event == EventKind.PREVIEW:
            return EventKind.PULL_REQUEST in self.events
        return event in self.events or (
            event == EventKind.MERGE_QUEUE and EventKind.PULL_REQUEST in self.events
        )


def check_criteria(value: Any) -> Criteria:
    """The criteria in `value`. Raises BadCriteria, which names the key, what is wrong with it, and what may be meant."""
    if not isinstance(value, dict):
        raise BadCriteria(f"criteria must be a dictionary with {KNOWN}")
    for key in value:
        if key not in EXAMPLES:
            raise BadCriteria(f"criteria.{_shown(key)} is not known{_near(key, EXAMPLES)}; there are {KNOWN}")
    return Criteria(
        events=_each(value, "events", _event),
        ref=_ref(value.get("ref")),
        languages=_each(value, "languages", _language),
    )


def short_name(ref: str) -> str:
    """`ref` without refs/heads/ or refs/tags/."""
    return re.sub(r"^refs/(heads|tags)/", "", ref)


def _each(value: dict[str, Any], key: str, read: Any) -> tuple[Any, ...]:
    found = value.get(key) or []
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise BadCriteria(f"criteria.{key} must be a list of texts, for instance {EXAMPLES[key]}")
    if len(found) > MOST:
        raise BadCriteria(f"criteria.{key} has {len(found)} entries; at most {MOST} are possible")
    return tuple(dict.fromkeys(read(item) for item in found))


def _event(word: str) -> EventKind:
    plain = re.sub(r"[\s-]+", "_", word.strip().lower())
    plain = re.sub(r"_(hook|events?)$", "", plain)
    if plain in NAMED:
        return EventKind(plain)
    if plain in ALIASES:
        return ALIASES[plain]
    if plain in OTHERWISE:
        raise BadCriteria(f"criteria.events: {_shown(word)} starts no evaluation; {OTHERWISE[plain]}")
    hint = _near(plain, [*EventKind, *ALIASES])
    raise BadCriteria(
        f"criteria.events: {_shown(word)} is no event{hint}; there are {', '.join(EventKind)}, and the names that code hosts give them"
    )


def _language(word: str) -> str:
    name = language_named(word)
    if name is not None:
        return name
    uncounted = left_out(word)
    if uncounted is not None:
        raise BadCriteria(
            f"criteria.languages: {uncounted} is data or prose, in which no repository is counted to be written; leave it out"
        )
    known: dict[str, str] = data()["languages"]
    near = difflib.get_close_matches(word.strip().lower(), known, n=1)
    hint = f"; did you mean {language_named(near[0])}?" if near else ", as linguist names them"
    raise BadCriteria(f"criteria.languages: {_shown(word)} is no language{hint}")


def _near(word: Any, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(word).lower(), [str(one) for one in known], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _shown(word: Any) -> str:
    return visible(str(word))[:100]


def _ref(pattern: Any) -> str:
    if not pattern:
        return ""
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise BadCriteria(
            f"criteria.ref must be a regular expression of at most {MAX_PATTERN} characters, for instance {EXAMPLES['ref']}"
        )
    _compiled(pattern)
    return pattern


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem, options.log_errors = MAX_PROGRAM, False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise BadCriteria(_why(pattern, error)) from error


def _why(pattern: str, error: Exception) -> str:
    """RE2's own words, and, where Python could read the expression, what RE2 does not have."""
    said = error.args[0] if error.args else ""
    said = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        reason = ""
    else:
        reason = ". It is read by RE2, which has no look-ahead, no look-behind, no references to groups, and \\z for \\Z"
    return f"criteria.ref {_shown(pattern)!r} is not a regular expression: {_shown(said)}{reason}"


def search_ref(pattern: str, ref: str) -> bool:
    """Whether the regular expression is found in the full or in the short name; an event without a ref matches. Ask `refs`
    instead, which never does this while a transaction is open.
    """
    if not pattern or not ref:
        return True
    expression = _compiled(pattern)
    text = ref.encode(errors="replace").decode()
    return bool(expression.search(text) or expression.search(short_name(text)))
