"""One connection's client for GitHub's REST API: githubkit over our transport."""

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from githubkit import BaseAuthStrategy, GitHub
from githubkit.cache import MemCacheStrategy
from githubkit.exception import (
    GitHubException,
    RateLimitExceeded,
    RequestError,
    RequestFailed,
)

from seatrial.control.forges.errors import ForgeError, Limited, Moved
from seatrial.control.forges.github import limits
from seatrial.control.forges.github.answers import Answer
from seatrial.control.forges.http.problems import NoSuchThing, no_answer, problem
from seatrial.control.forges.http.reading import content_of, read, validated
from seatrial.control.forges.http.transport import REFUSED_SECONDS, TIMEOUT_SECONDS, ForgeTransport

GHE = ".ghe.com"
API_VERSION = "2022-11-28"
PER_PAGE = 100  # the most that GitHub gives
MAX_PAGES = 100

A = TypeVar("A", bound=Answer)


def api_url(base_url: str) -> str:
    """The address of the API of the GitHub at `base_url`, such as https://github.com or an Enterprise Server's."""
    site = site_url(base_url)
    if is_server(site):
        return f"{site}/api/v3"
    return f"https://api.{urlsplit(site).netloc}"


def is_server(base_url: str) -> bool:
    """Whether it is an Enterprise Server, which GitHub does not run itself. Companies may also have a site at ghe.com."""
    host = urlsplit(site_url(base_url)).hostname or ""
    return host != "github.com" and not host.endswith(GHE)


def site_url(base_url: str) -> str:
    """The address of the pages of the GitHub at `base_url`, which may also be that of its API."""
    parts = urlsplit(base_url)
    if parts.hostname in {"github.com", "www.github.com", "api.github.com"}:
        return "https://github.com"
    if (parts.hostname or "").endswith(GHE):
        return f"https://{parts.netloc.removeprefix('api.')}"
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/api/v3')}"


class GitHubClient:
    """Sends requests and reads answers. Thread-safe. Retries nothing. Every method raises ForgeError.

    githubkit signs in and understands GitHub's limits. Its models are not used, because they refuse what GitHub adds;
    ours ignore it. Its cache, retries and throttling are off: our transport counts every request. With `transport`, it
    shares everything with the client that has it.
    """

    def __init__(
        self,
        base_url: str,
        auth: BaseAuthStrategy | str,
        *,
        inner: httpx.BaseTransport | None = None,
        transport: ForgeTransport | None = None,
    ) -> None:
        api, self.is_server = api_url(base_url), is_server(base_url)
        pace = limits.pace(server=self.is_server)
        self.transport = transport or ForgeTransport(api, inner=inner, pace=pace)
        self._host = urlsplit(api).hostname or ""
        self._github: GitHub[Any] = GitHub(
            auth,
            base_url=api,
            user_agent="Seatrial",
            timeout=TIMEOUT_SECONDS,
            transport=self.transport,
            trust_env=False,
            http_cache=False,
            cache_strategy=MemCacheStrategy(),  # the one of all clients would give a former key's signature
            auto_retry=False,
            follow_redirects=False,
        )

    def now(self) -> datetime:
        """GitHub's time, by the Date of its last answer."""
        return self.transport.clock.now()

    def get(self, path: str, model: type[A]) -> A:
        """The JSON at `path`. A renamed repository's old path is followed once, to the address GitHub names."""
        return read(model, self._send("GET", path))

    def send(self, method: str, path: str, json: Any, model: type[A]) -> A:
        """Send `json`, and return what GitHub made of it."""
        return read(model, self._send(method, path, json=json))

    def order(self, path: str) -> None:
        """Have GitHub do what POST at `path` is for; its answer has nothing in it."""
        self._send("POST", path)

    def delete(self, path: str) -> None:
        """Delete what is at `path`; nothing there is no error."""
        try:
            self._send("DELETE", path)
        except NoSuchThing:
            return

    def pages(self, path: str, model: type[A], *, key: str = "", of: str = "", **query: str) -> Iterator[A]:
        """Every item of a list, page after page, as GitHub's Link header leads. `key` names the list in its answer.

        With `of`, the repository of that name must still have it: else Moved is raised, and no redirect is followed.
        """
        address: str | None = str(httpx.URL(path, params={**query, "per_page": str(PER_PAGE)}))
        for _ in range(MAX_PAGES):
            response = self._send("GET", address or "", of=of)
            content = content_of(response)
            items = content.get(key) if key and isinstance(content, dict) else content
            if not isinstance(items, list):
                raise ForgeError(f"{response.url.path} at {self._host} is not a list")
            for item in items:
                yield validated(model, item, response)
            address = response.links.get("next", {}).get("url")
            if address is None:
                return
            self._stay(address)
        raise ForgeError(
            f"{path} at {self._host} has more than {MAX_PAGES * PER_PAGE:,} items", permanent=True
        )

    def get_with_headers(self, path: str, model: type[A]) -> tuple[A, httpx.Headers]:
        """The JSON at `path`, and the headers it came with."""
        response = self._send("GET", path)
        return read(model, response), response.headers

    def _send(self, method: str, path: str, *, json: Any = None, of: str = "") -> httpx.Response:
        response = self._once(method, path, json)
        if response.is_redirect:
            if of:
                raise Moved(of)
            # Renamed or transferred: GitHub names the address by number, which never changes
            address = str(httpx.URL(response.request.url).join(response.headers.get("Location", "")))
            self._stay(address)
            response = self._once(method, address, json)
        if not response.is_success:
            raise problem(response, self.transport.clock)
        return response

    def _once(self, method: str, path: str, json: Any) -> httpx.Response:
        try:
            answer = self._github.request(
                method, path, json=json, headers={"X-GitHub-Api-Version": API_VERSION}
            )
        except RateLimitExceeded as error:
            raise self._limited(error.request) from error  # the transport knows until when
        except RequestFailed as error:
            response: httpx.Response = error.response.raw_response
            if limits.too_often(response):
                self.transport.allowance(response.request).budget.pause(REFUSED_SECONDS)
                raise self._limited(response.request) from error
            if response.status_code in {404, 410}:
                raise NoSuchThing(f"{self._host} has nothing at {response.url.path}, or hides it") from error
            wrong = problem(response, self.transport.clock)
            if response.status_code == httpx.codes.FORBIDDEN:
                raise NotAllowed(
                    str(wrong), retry_after_seconds=wrong.retry_after_seconds, heard=False
                ) from error
            if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
                raise NotAccepted(str(wrong)) from error
            raise wrong from error
        except GitHubException as error:
            if isinstance(error.__cause__, ForgeError):  # of our transport
                raise error.__cause__ from error
            cause = error.exc if isinstance(error, RequestError) else error
            raise no_answer(self._host, cause) from error
        return answer.raw_response

    def _limited(self, request: httpx.Request) -> Limited:
        wait = math.ceil(self.transport.allowance(request).budget.standing().wait)
        return Limited(f"{self._host} accepts no more requests for {wait} s", wait)

    def _stay(self, address: str) -> None:
        """Raise ForgeError if `address` is elsewhere: the credential goes to this forge and nowhere else."""
        here, there = urlsplit(str(self._github.config.base_url)), urlsplit(address)
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise ForgeError(
                f"{self._host} points to {there.netloc}, another host; not followed", permanent=True
            )


class NotAccepted(ForgeError):
    """422: GitHub does not take what was sent."""

    permanent = True


class NotAllowed(ForgeError):
    """403, and not because of a limit: the credential lacks a right, which somebody may give it."""
