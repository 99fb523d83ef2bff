"""Questions of policies: what one looks like, and who answers."""

from collections.abc import Callable
from typing import Any, Protocol

Seen = list[tuple[str, str]]  # (question, digest of its answer)
LONGEST = 5_000  # characters of one argument
MOST_PATHS = 500  # in one argument


class Answers(Protocol):
    """Something that answers a policy's questions."""

    async def answer(self, question: Any) -> tuple[Any, Seen]:
        """The answer to `[method, [arguments]]`, and what the policy has seen by it. Raises Unanswerable."""


AnswersOf = Callable[[int], Answers]  # for the policy of this number


class Unanswerable(Exception):
    """The question makes no sense. The policy gets the text as the reason."""


def understood(question: Any) -> tuple[str, list[Any]]:
    """Method and arguments of a question from a sandbox, which may contain anything. Raises Unanswerable.

    An argument is text, or a list of texts.
    """
    match question:
        case [str(method), list(arguments)] if all(_is_argument(one) for one in arguments):
            return method, arguments
        case ["get_files_content", [*_]] | [str(), [list()]]:
            raise Unanswerable("paths must be strings")
    raise Unanswerable("a question is a method's name and its arguments, which are strings")


def _is_argument(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= MOST_PATHS and all(isinstance(one, str) and len(one) < LONGEST for one in value)
    return isinstance(value, str) and len(value) < LONGEST
