"""One connection's client for the API of Gitea and Forgejo: our own few calls over our transport."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import httpx

from seatrial.control.forges.errors import ForgeError, Moved
from seatrial.control.forges.gitea.answers import Answer
from seatrial.control.forges.http.bearer import Bearer
from seatrial.control.forges.http.problems import NoSuchThing, no_answer, problem
from seatrial.control.forges.http.reading import content_of, read, validated
from seatrial.control.forges.http.transport import ForgeTransport

PER_PAGE = 50  # the most that a server gives, unless its admin allows more; it may also give fewer
MAX_PAGES = 500
# Which scopes a token lacks is only said in words: `required=[write:issue]`, or `required scope(s): [write:issue]`.
REQUIRED = re.compile(r"required(?: scope\(s\):|=)\s*\[([^\]]+)\]")

A = TypeVar("A", bound=Answer)


class MissingScope(ForgeError):
    """The token lacks `scopes`. It may pass: somebody can make another token."""

    def __init__(self, host: str, scopes: str) -> None:
        super().__init__(f"The token lacks the scope {scopes} at {host}. Make one that has it")
        self.scopes = scopes


class Forbidden(ForgeError):
    """The account may not do that. It may pass: somebody can allow it."""


class GiteaClient:
    """Sends requests and reads answers. Thread-safe. Retries nothing. Every method raises ForgeError.

    A token that is refused is replaced once, if there is another.
    """

    def __init__(self, base_url: str, bearer: Bearer, *, inner: httpx.BaseTransport | None = None) -> None:
        self.transport = ForgeTransport(base_url, inner=inner)
        self._api = f"{base_url.rstrip('/').removesuffix('/api/v1')}/api/v1"
        self._host = urlsplit(base_url).hostname or ""
        self._bearer = bearer

    def now(self) -> datetime:
        """The forge's time, by the Date of its last answer."""
        return self.transport.clock.now()

    def get(self, path: str, model: type[A]) -> A:
        """The JSON at `path`. A renamed repository's old path is followed once, to the address that is named."""
        return read(model, self._send("GET", path))

    def get_list(self, path: str, model: type[A]) -> list[A]:
        """A list that has no pages."""
        response = self._send("GET", path)
        return [validated(model, item, response) for item in self._items(response)]

    def send(self, method: str, path: str, json: Any, model: type[A]) -> A:
        """Send `json`, and return what became of it."""
        return read(model, self._send(method, path, json=json))

    def order(self, path: str) -> None:
        """Have the forge do what POST at `path` is for; its answer has nothing in it."""
        self._send("POST", path)

    def delete(self, path: str) -> None:
        """Delete what is at `path`; nothing there is no error."""
        try:
            self._send("DELETE", path)
        except NoSuchThing:
            return

    def pages(self, path: str, model: type[A], *, of: str = "", **query: str) -> Iterator[A]:
        """Every item of a list, page after page, until there are no more: pages may be smaller than we ask for.

        With `of`, the repository of that name must still have it: else Moved is raised, and no redirect is followed.

        The addresses in the Link header are not used: they are where the server thinks it is, which may be another name.
        """
        seen = 0
        for page in range(1, MAX_PAGES + 1):
            numbered = {**query, "page": str(page), "limit": str(PER_PAGE)}
            response = self._send("GET", str(httpx.URL(path, params=numbered)), of=of)
            items = self._items(response)
            for item in items:
                yield validated(model, item, response)
            seen += len(items)
            if not items or not _more(response, seen):
                return
        raise ForgeError(f"{path} at {self._host} has more than {MAX_PAGES} pages", permanent=True)

    def _items(self, response: httpx.Response) -> list[Any]:
        items = content_of(response)
        if items is None:  # an empty list, in Go
            return []
        if not isinstance(items, list):
            raise ForgeError(f"{response.url.path} at {self._host} is not a list")
        return items

    def _send(self, method: str, path: str, *, json: Any = None, of: str = "") -> httpx.Response:
        response = self._once(method, f"{self._api}{path}", json)
        if response.is_redirect:  # renamed or transferred
            if of and f"/repos/{of}/".casefold() not in unquote(self._moved(response)).casefold():
                raise Moved(of)
            response = self._once(method, self._moved(response), json)
        if response.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
            raise NoSuchThing(f"{self._host} has nothing at {response.url.path}, or hides it")
        if response.status_code == httpx.codes.FORBIDDEN:
            raise self._forbidden(response)
        if not response.is_success:
            raise problem(response, self.transport.clock)
        return response

    def _once(self, method: str, address: str, json: Any) -> httpx.Response:
        token = self._bearer.current()
        response = self._signed(method, address, json, token)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._bearer.refused(token):
            return self._signed(method, address, json, self._bearer.current())
        return response

    def _signed(self, method: str, address: str, json: Any, token: str) -> httpx.Response:
        headers = {
            "Authorization": f"token {token}",
            "Accept": "application/json",
            "User-Agent": "Seatrial",
        }
        request = httpx.Request(method, address, json=json, headers=headers)
        try:
            return self.transport.handle_request(request)
        except httpx.HTTPError as error:
            raise no_answer(self._host, error) from error

    def _moved(self, response: httpx.Response) -> str:
        """Where a redirect leads. Raises ForgeError if that is elsewhere: the token goes to this forge and nowhere else."""
        here, there = response.url, response.url.join(response.headers.get("Location", ""))
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise ForgeError(
                f"{self._host} points to {there.host}, another host; not followed", permanent=True
            )
        return str(there)

    def _forbidden(self, response: httpx.Response) -> ForgeError:
        lacking = REQUIRED.search(response.text)
        if lacking is not None:
            return MissingScope(self._host, lacking[1].strip())
        said = problem(response, self.transport.clock)
        return Forbidden(str(said), retry_after_seconds=said.retry_after_seconds)


def _more(response: httpx.Response, seen: int) -> bool:
    """Whether another page follows. Servers say it by a link, or only count all items."""
    if "Link" in response.headers:
        return "next" in response.links
    total = response.headers.get("X-Total-Count", "")
    return total.isdecimal() and seen < int(total)
