"""Answers ahead: what a policy asked the last time it will most likely ask again, and is told before it asks.

A question through gVisor and back takes more processor time than most answers do. What is not used is not part of the result.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from seatrial.agent.sandboxes.questions import Answers, Seen, Unanswerable
from seatrial.agent.vocabulary.errors import CheckoutError

MOST_QUESTIONS = 100
MOST_BYTES = 256 << 10  # of all answers to one policy, as they travel
MOST_FILES = 5  # a policy that reads more than these reads them in one go
READS = "get_file_content"
# What is answered from paths, or from a few files; nothing for which the host walks through history, runs a tool, searches or visits.
QUICK = frozenset(
    {
        "files_count", "files_matching", "files_among", "files_sizes", "files_sizes_of", READS, "get_class", "event", "commit",
        "base", "ref", "number", "get_default_branch", "get_topics", "get_metadata", "get_manifests", "get_instructions", "get_yaml",
    }
)  # fmt: skip


class Ahead(NamedTuple):
    """A question as it is asked, its answer, and what the policy has seen by that."""

    asked: str
    value: Any
    seen: Seen


Foreseen = Callable[[int], Sequence[str]]  # questions of the policy of this number


def nothing(_index: int) -> Sequence[str]:
    """Nobody knows what it will ask."""
    return ()


def foreseeable(seen: Seen) -> list[str]:
    """Of what a policy saw, the questions that it would save most by knowing their answers."""
    quick = [asked for asked, _ in seen if method_of(asked) in QUICK]
    files = [asked for asked in quick if method_of(asked) == READS]
    return [one for one in dict.fromkeys(quick) if len(files) <= MOST_FILES or one not in files][
        :MOST_QUESTIONS
    ]


def method_of(asked: str) -> str:
    """The method of a question as JSON: `["METHOD", [...]]`."""
    return asked[2 : asked.find('"', 2)]


async def answered_ahead(questions: Sequence[str], answers: Answers) -> list[Ahead]:
    """Answers to those that have one, as far as there is room. What cannot be answered is left to be asked."""
    found: list[Ahead] = []
    room = MOST_BYTES
    for asked in questions:
        try:
            value, seen = await answers.answer(json.loads(asked))
        except Unanswerable:
            continue
        except CheckoutError:
            break
        if (size := len(json.dumps(value))) <= room:
            room -= size
            found.append(Ahead(asked, value, seen))
    return found


def used(said: Any, ahead: Sequence[Ahead]) -> Sequence[Ahead]:
    """Those that the policy looked at, as its sandbox says; all, where it says no such thing."""
    numbers = said.get("used") if isinstance(said, dict) else None
    if not isinstance(numbers, list) or not all(
        type(one) is int and 0 <= one < len(ahead) for one in numbers
    ):
        return ahead
    return [ahead[number] for number in dict.fromkeys(numbers)]
