"""The base of forges that are reached over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from django.conf import settings

from seatrial.control import outbound
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.http.budget import Budget
from seatrial.control.forges.http.clock import ForgeClock
from seatrial.control.forges.http.etags import Etags

TIMEOUT_SECONDS = 10.0
# Statuses that may pass: because time passes, or because somebody fixes the credential.
MAY_PASS = frozenset({401, 403, 408, 409, 423, 425, 429})


@dataclass(frozen=True)
class Answer:
    """The forge's answer. `content` is None when the forge answered that nothing has `changed`."""

    content: Any
    etag: str
    changed: bool


class HttpForge:
    """Client, budget, ETags and clock of one connection. Thread-safe, as httpx's client is.

    Every request goes through `ask`, which takes it from the budget first and updates the budget from the answer. A
    subclass signs in by overriding `headers`, which may differ from request to request, and sends requests with `get`
    and `ask`. Redirects are not followed: a credential goes to the connection's own address and nowhere else.
    """

    def __init__(self, base_url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.budget = Budget()
        self.etags = Etags()
        self.clock = ForgeClock()
        self._client = outbound.client(
            settings.CONFIGURATION,
            to=[base_url],
            base_url=base_url,
            timeout=TIMEOUT_SECONDS,
            transport=transport,
        )

    def now(self) -> datetime:
        """The forge's time, by the Date of its last answer."""
        return self.clock.now()

    def headers(self) -> Mapping[str, str]:
        """The headers of every request, such as the credential."""
        return {}

    def get(self, path: str) -> Any:
        """The JSON at `path`. Raises ForgeError.

        It comes from the ETag cache if the forge answers that it has not changed.
        """
        kept = self.etags.get(path)
        answer = self.ask("GET", path, etag=kept.etag if kept else "")
        if not answer.changed and kept is not None:
            return kept.content
        if answer.etag:
            self.etags.keep(path, answer.etag, answer.content)
        return answer.content

    def ask(self, method: str, path: str, *, json: Any = None, etag: str = "") -> Answer:
        """Send one request. With `etag`, the answer only has content if it changed since. Raises ForgeError."""
        self.budget.spend()
        headers = {**self.headers(), **({"If-None-Match": etag} if etag else {})}
        try:
            response = self._client.request(method, path, json=json, headers=headers)
        except httpx.HTTPError as error:
            raise ForgeError(f"{self._client.base_url.host} does not answer: {error}") from error
        self.clock.heard(response.headers.get("Date"))
        self.learn(response.headers)
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return Answer(None, etag, changed=False)
        if not response.is_success:
            raise self._problem(response)
        return Answer(self._content(response), response.headers.get("ETag", ""), changed=True)

    def learn(self, headers: httpx.Headers) -> None:
        """Update the budget from an answer: `RateLimit-*`, or `X-RateLimit-*`, whose reset is a time since 1970."""
        for prefix in ("RateLimit-", "X-RateLimit-"):
            left, reset = headers.get(f"{prefix}Remaining", ""), headers.get(f"{prefix}Reset", "")
            if left.isdecimal() and reset.isdecimal():
                seconds = int(reset) - self.clock.now().timestamp()
                self.budget.note(left=int(left), resets_in_seconds=seconds)
                return

    def _problem(self, response: httpx.Response) -> ForgeError:
        status = response.status_code
        wait = self._retry_after(response.headers.get("Retry-After", ""))
        if wait:
            self.budget.pause(wait)
        return ForgeError(
            f"{self._client.base_url.host} answers {status} {response.reason_phrase} for {response.url.path}",
            permanent=status < 500 and status not in MAY_PASS,
            retry_after_seconds=wait,
        )

    def _retry_after(self, value: str) -> float:
        if value.isdecimal():
            return float(value)
        try:
            return max(0.0, (parsedate_to_datetime(value) - self.clock.now()).total_seconds())
        except (ValueError, TypeError):
            return 0.0

    def _content(self, response: httpx.Response) -> Any:
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise ForgeError(f"{response.url.path} at the forge is not JSON") from error
