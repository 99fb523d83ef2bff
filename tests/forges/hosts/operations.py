"""A forge whose API is a table of operations that it has published."""

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import jsonschema.exceptions
from werkzeug.wrappers import Request, Response

from tests.forges.hosts import pages
from tests.forges.hosts.published import published
from tests.forges.hosts.site import Person, Site, as_json

Answering = Callable[[Request, Person, dict[str, str]], Any]


class Gone(Exception):
    """404."""


class Refused(Exception):
    """A status such as 403 or 422, with the words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class PublishedSite(Site):
    """What is said to it and by it is held against what the forge has published; `complaints` has what does not fit."""

    schemas: ClassVar[str]  # the file with them
    api_path: ClassVar[str]
    parts: ClassVar[
        Mapping[str, str]
    ]  # which texts fit the parts of a path, `{name}`; numbers fit all others

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.published = published(self.schemas)
        self._table = [
            (name, self._pattern(name), answering) for name, answering in self.operations().items()
        ]

    @abstractmethod
    def operations(self) -> Mapping[str, Answering]:
        """What answers each, such as `GET /user`: the JSON, or Gone or Refused."""

    def paged(self, request: Request, items: list[Any]) -> tuple[list[Any], dict[str, str]]:
        """The page that was asked for, and the headers that say so."""
        return items, {}

    def moved_to(self, request: Request, parts: dict[str, str]) -> Response | None:
        """The answer for something that has another address now."""
        return None

    def is_api(self, request: Request) -> bool:
        return request.path.startswith(f"{self.api_path}/")

    def page(self, request: Request) -> Response | None:
        return pages.shown(self, request.path)

    def api(self, request: Request, person: Person) -> Response:
        asked = f"{request.method} {request.path.removeprefix(self.api_path)}"
        for name, pattern, answering in self._table:
            if match := pattern.fullmatch(asked):
                try:
                    return self._held_to(name, request, person, answering, match.groupdict())
                except Gone:
                    return self.moved_to(request, match.groupdict()) or as_json({"message": "not found"}, 404)
                except Refused as refused:
                    return as_json({"message": str(refused)}, refused.status)
        self.complaints.append(f"nothing here does {asked}")
        return as_json({"message": "not found"}, 404)

    def _held_to(
        self, name: str, request: Request, person: Person, answering: Answering, parts: dict[str, str]
    ) -> Response:
        headers: dict[str, str] = {}
        if unknown := self.published.unknown(name, request.args):
            self.complaints.append(f"{name} has no {', '.join(sorted(unknown))}")
        content = answering(request, person, parts)
        try:
            self.published.check_request(name, request.get_json(silent=True))
            if isinstance(content, list):
                content, headers = self.paged(request, content)
            self.published.check_answer(name, content)
        except jsonschema.ValidationError as first:
            error = jsonschema.exceptions.best_match([first])
            self.complaints.append(f"{name}: {error.json_path}: {error.message[:300]}")
            return as_json({"message": f"Validation Failed: {error.message[:300]}"}, 422)
        status = self.published.status(name)
        answer = Response("", status) if status == 204 else as_json(content, status)
        answer.headers.update(headers)
        return answer

    def _pattern(self, operation: str) -> re.Pattern[str]:
        return re.compile(
            re.sub(
                r"{(\w+)}", lambda found: f"(?P<{found[1]}>{self.parts.get(found[1], '[0-9]+')})", operation
            )
        )
