"""The base of forges that are reached over HTTP with requests of our own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.http.budget import Allowances
from seatrial.control.forges.http.problems import no_answer, problem
from seatrial.control.forges.http.transport import ForgeTransport


@dataclass(frozen=True)
class Answer:
    """The forge's answer. `content` is None when the forge answered that nothing has `changed`."""

    content: Any
    etag: str
    changed: bool


class HttpForge:
    """One connection's client. Thread-safe, as httpx's client is.

    A subclass signs in by overriding `headers`, which may differ from request to request, and sends requests with `get`
    and `ask`. Redirects are not followed: a credential goes to the connection's own address and nowhere else.
    """

    def __init__(self, base_url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.transport = ForgeTransport(base_url, inner=transport)
        self._base_url = httpx.URL(base_url)

    @property
    def allowances(self) -> Allowances:
        """What the forge still accepts, and how fast."""
        return self.transport.allowances

    def now(self) -> datetime:
        """The forge's time, by the Date of its last answer."""
        return self.transport.clock.now()

    def headers(self) -> Mapping[str, str]:
        """The headers of every request, such as the credential."""
        return {}

    def get(self, path: str) -> Any:
        """The JSON at `path`. Raises ForgeError."""
        return self.ask("GET", path).content

    def ask(self, method: str, path: str, *, json: Any = None, etag: str = "") -> Answer:
        """Send one request. With `etag`, the answer only has content if it changed since. Raises ForgeError."""
        headers = {**self.headers(), **({"If-None-Match": etag} if etag else {})}
        request = httpx.Request(method, f"{self._base_url}{path}", json=json, headers=headers)
        try:
            response = self.transport.handle_request(request)
        except httpx.HTTPError as error:
            raise no_answer(self._base_url.host, error) from error
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return Answer(None, etag, changed=False)
        if not response.is_success:
            raise problem(response, self.transport.clock)
        return Answer(_content(response), response.headers.get("ETag", ""), changed=True)


def _content(response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise ForgeError(f"{response.url.path} at the forge is not JSON") from error
