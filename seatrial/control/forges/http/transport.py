"""What every request to a forge passes, whichever client library makes it: guard, budget, ETags, clock."""

import httpx
from django.conf import settings

from seatrial.control import outbound
from seatrial.control.forges.http.budget import Budget
from seatrial.control.forges.http.clock import ForgeClock
from seatrial.control.forges.http.etags import Etags
from seatrial.control.forges.http.retry_after import retry_after_seconds

TIMEOUT_SECONDS = 10.0


class ForgeTransport(httpx.BaseTransport):
    """The transport of one connection. Thread-safe. Raises ForgeError when the budget is used up, and httpx's errors.

    Every request is taken from the budget first, and every answer updates budget and clock. A GET is sent with the ETag
    of its last answer: when the forge says that nothing changed, that answer is given again. A caller that sets
    If-None-Match itself gets the forge's 304. Proxies and authorities come from the environment, as for every client of
    `outbound`. `inner` is only given in tests.
    """

    def __init__(self, base_url: str, *, inner: httpx.BaseTransport | None = None) -> None:
        self.budget = Budget()
        self.etags = Etags()
        self.clock = ForgeClock()
        self._client = outbound.client(
            settings.CONFIGURATION, to=[base_url], timeout=TIMEOUT_SECONDS, transport=inner
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`, and return the whole answer."""
        self.budget.spend()
        address = str(request.url)
        ours = request.method == "GET" and "If-None-Match" not in request.headers
        kept = self.etags.get(address) if ours else None
        if kept is not None:
            request.headers["If-None-Match"] = kept.etag
        response = self._client.send(request, auth=None, follow_redirects=False)
        self._learn(response)
        if kept is not None and response.status_code == httpx.codes.NOT_MODIFIED:
            return kept.answer(response)
        answer = _whole(response, request)
        if ours and response.status_code == httpx.codes.OK and response.headers.get("ETag"):
            self.etags.keep(address, response.headers["ETag"], answer)
        return answer

    def close(self) -> None:
        """Nothing: libraries close their client after every request, and the connections here are kept."""

    def _learn(self, response: httpx.Response) -> None:
        """Update clock and budget: `RateLimit-*`, or `X-RateLimit-*`, whose reset is a time since 1970."""
        headers = response.headers
        self.clock.heard(headers.get("Date"))
        for prefix in ("RateLimit-", "X-RateLimit-"):
            left, reset = headers.get(f"{prefix}Remaining", ""), headers.get(f"{prefix}Reset", "")
            if left.isdecimal() and reset.isdecimal():
                seconds = int(reset) - self.clock.now().timestamp()
                self.budget.note(left=int(left), resets_in_seconds=seconds)
                break
        wait = retry_after_seconds(headers, self.clock)
        if wait and response.is_error:
            self.budget.pause(wait)


def _whole(response: httpx.Response, request: httpx.Request) -> httpx.Response:
    """The answer as it is after decoding, so that it can be given more than once."""
    headers = [
        (name, value)
        for name, value in response.headers.multi_items()
        if name.lower() not in {"content-encoding", "content-length", "transfer-encoding"}
    ]
    return httpx.Response(response.status_code, headers=headers, content=response.content, request=request)
