"""One connection's client for GitLab's REST API, version 4."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.gitlab.answers import Answer
from seatrial.control.forges.http.bearer import Bearer
from seatrial.control.forges.http.problems import NoSuchThing, no_answer, problem
from seatrial.control.forges.http.reading import content_of, read, validated
from seatrial.control.forges.http.transport import ForgeTransport

API = "/api/v4"
PER_PAGE = 100  # the most that GitLab gives
MAX_PAGES = 100

A = TypeVar("A", bound=Answer)


class NotAllowed(ForgeError):
    """403: the credential may not do this."""


class NotAccepted(ForgeError):
    """400 or 422: GitLab does not take what was sent. `said` is its answer: for programs, because a stranger may have a part in it."""

    permanent = True

    def __init__(self, message: str, said: str) -> None:
        super().__init__(message)
        self.said = said


def server_url(base_url: str) -> str:
    """The address of the GitLab at `base_url`, which may name its API."""
    return base_url.rstrip("/").removesuffix(API).rstrip("/")


class GitLabClient:
    """Sends requests and reads answers. Thread-safe. Retries nothing. Every method raises ForgeError.

    The token goes to the connection's own address and nowhere else. One that is refused is replaced once, if there is another.
    """

    def __init__(self, base_url: str, bearer: Bearer, *, inner: httpx.BaseTransport | None = None) -> None:
        self.server = server_url(base_url)
        self.transport = ForgeTransport(self.server, inner=inner)
        self._api = httpx.URL(f"{self.server}{API}")
        self._bearer = bearer

    def now(self) -> datetime:
        """GitLab's time, by the Date of its last answer."""
        return self.transport.clock.now()

    def get(self, path: str, model: type[A]) -> A:
        """The JSON at `path`. A renamed project's old path is followed once, to where GitLab says it is."""
        return read(model, self._send("GET", self._address(path)))

    def send(self, method: str, path: str, json: dict[str, Any], model: type[A]) -> A:
        """Send `json`, and return what GitLab made of it."""
        return read(model, self._send(method, self._address(path), json=json))

    def delete(self, path: str) -> None:
        """Delete what is at `path`; nothing there is no error."""
        try:
            self._send("DELETE", self._address(path))
        except NoSuchThing:
            return

    def pages(
        self, path: str, model: type[A], query: dict[str, str] | None = None, *, steady: bool = False
    ) -> Iterator[A]:
        """Every item of a list, page after page, as GitLab's Link header leads.

        With `steady`, a list whose length changed while it was read is a ForgeError: an item that was taken out moves the
        others, so one at the border of two pages would be missed.
        """
        address = self._address(path, {"per_page": str(PER_PAGE), **(query or {})})
        length: str | None = None
        for _ in range(MAX_PAGES):
            response = self._send("GET", address)
            items = content_of(response)
            if not isinstance(items, list):
                raise ForgeError(f"{response.url.path} at {response.url.host} is not a list")
            now = response.headers.get("X-Total", "")
            if steady and length not in {None, now}:
                raise ForgeError(f"{response.url.path} at {response.url.host} changed while it was read")
            length = now
            for item in items:
                yield validated(model, item, response)
            following = response.links.get("next", {}).get("url")
            if following is None:
                return
            # Only its parameters, because GitLab may know itself by another address than we do
            address = address.copy_with(query=httpx.URL(following).query)
        raise ForgeError(
            f"{path} at {self._api.host} has more than {MAX_PAGES * PER_PAGE:,} items", permanent=True
        )

    def _address(self, path: str, query: dict[str, str] | None = None) -> httpx.URL:
        address = httpx.URL(f"{self._api}{path}")
        return address.copy_merge_params(query) if query else address

    def _send(self, method: str, address: httpx.URL, *, json: Any = None) -> httpx.Response:
        response = self._once(method, address, json)
        if response.is_redirect and method == "GET":
            elsewhere = address.join(response.headers.get("Location", ""))
            if (elsewhere.scheme, elsewhere.netloc) != (address.scheme, address.netloc):
                raise ForgeError(
                    f"{address.host} points to {elsewhere.netloc.decode()}, another host; not followed",
                    permanent=True,
                )
            response = self._once(method, elsewhere, json)
        if not response.is_success:
            raise self._problem(response)
        return response

    def _once(self, method: str, address: httpx.URL, json: Any) -> httpx.Response:
        token = self._bearer.current()
        response = self._signed(method, address, json, token)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._bearer.refused(token):
            return self._signed(method, address, json, self._bearer.current())
        return response

    def _signed(self, method: str, address: httpx.URL, json: Any, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "Seatrial"}
        request = httpx.Request(method, address, json=json, headers=headers)
        try:
            return self.transport.handle_request(request)
        except httpx.HTTPError as error:
            raise no_answer(self._api.host, error) from error

    def _problem(self, response: httpx.Response) -> ForgeError:
        known = problem(response, self.transport.clock)
        if response.status_code in {404, 410}:
            return NoSuchThing(f"{response.url.host} has nothing at {response.url.path}, or hides it")
        if response.status_code == httpx.codes.FORBIDDEN and not known.retry_after_seconds:
            return NotAllowed(f"{known}: the token may not do this")
        if response.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}:
            return NotAccepted(str(known), response.text)
        return known


def of_project(identity: str) -> str:
    """The path of a project, by its number, which outlives every rename, or by its full name."""
    return f"/projects/{quote(identity, safe='')}"
