"""What every operation of the REST API asks of what it is sent, whatever its own schema says.

Text is what PostgreSQL, UTF-8 and JSON can all hold: no half of a surrogate pair, which JSON can write but no encoding
can, and no NUL. Parameters are those that the operation names: a misspelt filter would otherwise filter nothing.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser
from pydantic import BaseModel

from seatrial.control.errors import ControlError, NotFound

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
MOST_NAMED = 5  # of what somebody sent wrong


class InvalidInput(ControlError):
    """What was sent cannot be taken, in a way that is the same for every operation."""

    code = "invalid"
    status = 400


class TextParser(Parser):
    """ninja's, which refuses what is no text and says where it is."""

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
    places = [place for place, text in _texts(where, document) if _NO_TEXT.search(text)]
    if places:
        named = ", ".join(places[:MOST_NAMED])
        raise InvalidInput(
            f"{named}: not text. It holds NUL, or half of a character that is written as two (\\ud800 to \\udfff)."
        )


def _texts(where: str, document: object) -> Iterator[tuple[str, str]]:
    waiting = [(where, document)]  # not by recursion: a document may be as deep as JSON is read
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, list):
            waiting += [(f"{place}.{number}", one) for number, one in enumerate(value)]
        elif isinstance(value, dict):
            for name, one in value.items():
                yield f"a name in {place}", name
                waiting.append((f"{place}.{_NO_TEXT.sub('?', name)}", one))


def strictly(operation: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator for every operation: addresses are text, and no parameter is there that it does not know.

    It is asked after who sent it: strangers learn nothing about parameters.
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
            named = ", ".join(repr(name) for name in unknown[:MOST_NAMED])
            raise InvalidInput(f"query: this operation has no parameter {named}. {there}")
        return operation(request, **values)

    return asked
