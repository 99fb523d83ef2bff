"""Checks that every operation of the REST API makes, in addition to its own schema.

Text must be what PostgreSQL, UTF-8 and JSON can all represent: no half of a surrogate pair, which JSON can escape but no
encoding can represent, and no NUL. Parameters must be ones that the operation has: a misspelt filter would be ignored.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import wraps
from itertools import islice
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser
from pydantic import BaseModel

from seatrial.control.errors import ControlError, NotFound

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
MOST_NAMED = 5  # of what somebody sent wrong
MOST_SHOWN = 100  # characters of a name


class InvalidInput(ControlError):
    """A request failed one of the checks that all operations share."""

    code = "invalid"
    status = 400


class TextParser(Parser):
    """ninja's parser, which also refuses invalid text and says where it is."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The JSON document of a request. Raises InvalidInput."""
        try:
            document = json.loads(request.body.decode())
        except UnicodeDecodeError as error:
            raise InvalidInput(f"body: not UTF-8 at byte {error.start}; JSON is sent as UTF-8.") from error
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"body: not JSON that can be read: {error}.") from error
        if b"\\u" in request.body:  # written out, neither is JSON
            require_text("body", document)
        return document

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        """Parameters by name. Raises InvalidInput."""
        parameters: dict[str, Any] = super().parse_querydict(data, list_fields, request)
        require_text("query", parameters)
        return parameters


def require_text(where: str, document: object) -> None:
    """Return when every text in `document` is text, names too; else raise InvalidInput, naming the places."""
    places = list(islice(_places_without_text(where, document), MOST_NAMED))
    if places:
        raise InvalidInput(
            f"{', '.join(places)}: not text. It holds NUL, or half of a character that is written as two"
            " (\\ud800 to \\udfff)."
        )


def _places_without_text(where: str, document: object) -> Iterator[str]:
    """Walk a document that may come from strangers: without recursion, and with memory for its depth, not its length."""
    path: list[str] = []
    levels: list[Iterator[tuple[object, object]]] = [iter([(where, document)])]
    while levels:
        name, value = next(levels[-1], (None, None))
        if name is None:
            levels.pop()
            del path[-1:]
            continue
        if isinstance(name, str) and _NO_TEXT.search(name):
            yield f"a name in {'.'.join(path)}"
        if isinstance(value, str) and _NO_TEXT.search(value):
            yield ".".join([*path, _shown(name)])
        elif isinstance(value, dict | list):
            path.append(_shown(name))
            levels.append(iter(value.items() if isinstance(value, dict) else enumerate(value)))


def _shown(name: object) -> str:
    return _NO_TEXT.sub("?", str(name))[:MOST_SHOWN]


def strictly(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate an operation: refuse addresses that are not text, and parameters that the operation does not have.

    The check comes after authentication: strangers learn nothing about parameters.
    """

    @wraps(operation)
    def asked(request: HttpRequest, **values: Any) -> Any:
        path = request.resolver_match.kwargs if request.resolver_match else {}
        if any(_NO_TEXT.search(str(part)) for part in path.values()):
            raise NotFound("There is nothing at an address that is not text.")
        known = {
            name
            for name, value in values.items()
            if name not in path and not isinstance(value, BaseModel | HttpResponse)
        }
        unknown = sorted(request.GET.keys() - known)
        if unknown:
            there = f"It has: {', '.join(sorted(known))}." if known else "It has none."
            named = ", ".join(repr(name[:MOST_SHOWN]) for name in unknown[:MOST_NAMED])
            raise InvalidInput(f"query: this operation has no parameter {named}. {there}")
        return operation(request, **values)

    return asked
