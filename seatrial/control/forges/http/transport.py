"""What every request to a forge passes, whichever client library makes it: guard, turns, budget, refusals, ETags, clock."""

import math

import httpx
from django.conf import settings

from seatrial.control import outbound
from seatrial.control.forges import urgency
from seatrial.control.forges.errors import CredentialRefused
from seatrial.control.forges.http.budget import CONNECTION, LONGEST_SECONDS, Allowance, Allowances, Standing
from seatrial.control.forges.http.clock import ForgeClock
from seatrial.control.forges.http.etags import Etags
from seatrial.control.forges.http.refusals import Refusals
from seatrial.control.forges.http.retry_after import retry_after_seconds
from seatrial.control.forges.http.turns import Pace

TIMEOUT_SECONDS = 10.0
WHOSE = "seatrial.whose"  # the extension of a request with a `Whose`
# After a refusal that names no time, as GitHub asks for.
REFUSED_SECONDS = 60.0
# Some forges write the seconds that are left, others the seconds since 1970.
EARLIEST = 1_000_000_000


class ForgeTransport(httpx.BaseTransport):
    """The transport of one connection. Thread-safe. Raises Limited when the request must wait, CredentialRefused
    when the forge has refused the same credential several times in the last minute, and httpx's errors.

    Every request waits for its turn and is taken from the budget, and every answer updates budget and clock. A GET is
    sent with the ETag of its last answer: when the forge says that nothing changed, that answer is given again. A caller
    that sets If-None-Match itself gets the forge's 304. Proxies and authorities come from the environment, as for every
    client of `outbound`. How urgent a request is says `urgency.asking`, and whose it is says its extension WHOSE. `inner` is
    only given in tests.
    """

    def __init__(
        self, base_url: str, *, inner: httpx.BaseTransport | None = None, pace: Pace | None = None
    ) -> None:
        self.allowances = Allowances(pace)
        self.etags = Etags()
        self.clock = ForgeClock()
        self.refusals = Refusals()
        self._client = outbound.client(
            settings.CONFIGURATION, to=[base_url], timeout=TIMEOUT_SECONDS, transport=inner
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`, and return the whole answer."""
        address = str(request.url)
        ours = request.method == "GET" and "If-None-Match" not in request.headers
        kept = self.etags.get(address) if ours else None
        if kept is not None:
            request.headers["If-None-Match"] = kept.etag
        response = self._sent(request)
        if kept is not None and response.status_code == httpx.codes.NOT_MODIFIED:
            return kept.answer(response)
        answer = _whole(response, request)
        if ours and response.status_code == httpx.codes.OK and response.headers.get("ETag"):
            self.etags.keep(address, response.headers["ETag"], answer)
        return answer

    def close(self) -> None:
        """Nothing: libraries close their client after every request, and the connections here are kept."""

    def _sent(self, request: httpx.Request) -> httpx.Response:
        said: Standing | None = None
        credential = request.headers.get("Authorization", "")
        if self.refusals.holds(credential):
            raise CredentialRefused(request.url.host, request.url.path)
        allowance = self.allowance(request)
        with allowance.turns.taken(request.method, urgency.current(), request.url.path):
            allowance.budget.spend(urgency.current())
            try:
                response = self._client.send(request, auth=None, follow_redirects=False)
                self.refusals.answered(credential, refused=response.status_code == httpx.codes.UNAUTHORIZED)
                self.clock.heard(response.headers.get("Date"))
                said = self._said(response)
            finally:
                allowance.budget.answered(said)
        return response

    def allowance(self, request: httpx.Request) -> Allowance:
        """That of those who send the request."""
        return self.allowances.of(request.extensions.get(WHOSE, CONNECTION))

    def _said(self, response: httpx.Response) -> Standing:
        """What an answer says about the budget: `RateLimit-*` or `X-RateLimit-*`, and how long it asks us to wait."""
        headers = response.headers
        wait = retry_after_seconds(headers, self.clock) if response.is_error else 0.0
        too_often = response.status_code == httpx.codes.TOO_MANY_REQUESTS
        if "Retry-After" in headers:
            too_often = too_often or response.status_code == httpx.codes.FORBIDDEN
            wait = wait or (REFUSED_SECONDS if too_often else 0.0)
            headers["Retry-After"] = str(
                math.ceil(min(wait, LONGEST_SECONDS))
            )  # libraries understand no date
        for prefix in ("RateLimit-", "X-RateLimit-"):
            left, reset = _number(headers, f"{prefix}Remaining"), _number(headers, f"{prefix}Reset")
            if left is None or reset is None:
                headers.pop(f"{prefix}Reset", None)  # libraries compute with it
                continue
            return Standing(
                left=left,
                most=_number(headers, f"{prefix}Limit"),
                resets_in=reset - self.clock.now().timestamp() if reset > EARLIEST else float(reset),
                paused_for=wait or (REFUSED_SECONDS if too_often and left else 0.0),
            )
        return Standing(paused_for=wait or (REFUSED_SECONDS if too_often else 0.0))


def _number(headers: httpx.Headers, name: str) -> int | None:
    """The number in a header, if it is one that anybody would mean."""
    text = headers.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 11 else None


def _whole(response: httpx.Response, request: httpx.Request) -> httpx.Response:
    """The answer as it is after decoding, so that it can be given more than once."""
    headers = [
        (name, value)  # as bytes: a forge may send anything
        for name, value in response.headers.raw
        if name.lower() not in {b"content-encoding", b"content-length", b"transfer-encoding"}
    ]
    return httpx.Response(response.status_code, headers=headers, content=response.content, request=request)
