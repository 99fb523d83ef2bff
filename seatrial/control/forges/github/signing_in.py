"""How a GitHub App signs its requests: as itself with a JWT, for repositories with a token of their installation."""

import re
from collections.abc import Generator
from typing import Any

import httpx
from githubkit import AppAuthStrategy, BaseAuthStrategy, GitHubCore
from githubkit.auth.app import AppAuth

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.github.app import GitHubApp
from seatrial.control.forges.github.installations import Installations
from seatrial.control.forges.http.transport import WHOSE

REPOSITORY = re.compile(r"/(?:repos/[^/?]+/[^/?]+|repositories/\d+)(?=[/?]|$)")


class AsApp(BaseAuthStrategy):
    """Every request is the App's own. githubkit makes the JWT, and uses it for eight minutes."""

    def __init__(self, app: GitHubApp) -> None:
        self._strategy = AppAuthStrategy(app.app_id, app.private_key)

    def get_auth_flow(self, github: "GitHubCore[Any]") -> httpx.Auth:
        """What githubkit calls for every request."""
        flow = self._strategy.get_auth_flow(github)
        assert isinstance(flow, AppAuth)
        return _Jwt(flow)


class _Jwt(httpx.Auth):
    def __init__(self, app: AppAuth) -> None:
        self._app = app

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._app.get_jwt()}"
        yield request


class AsInstallation(BaseAuthStrategy):
    """Every request has a token of the installation that reaches its repository; of `only`, if that is given."""

    def __init__(self, installations: Installations, *, only: int | None = None) -> None:
        self._installations = installations
        self._only = only

    def get_auth_flow(self, github: "GitHubCore[Any]") -> httpx.Auth:
        """What githubkit calls for every request."""
        return _Token(self._installations, self._only)


class _Token(httpx.Auth):
    """A token that is refused is replaced once: GitHub revokes tokens before their time when rights change."""

    def __init__(self, installations: Installations, only: int | None) -> None:
        self._installations = installations
        self._only = only

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = self._sign(request)
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._installations.doubt(_repository(request), token)
            request.headers.pop("If-None-Match", None)  # the transport sets it anew
            token = self._sign(request)
            response = yield request
        if response.status_code in {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}:
            # It may be suspended, or reach the repository no more: the next request finds out
            self._installations.doubt(_repository(request), token)

    def _sign(self, request: httpx.Request) -> str:
        if self._only is not None:
            token, whose = self._installations.token(self._only), self._installations.whose(self._only)
        else:
            repository = _repository(request)
            if not repository:
                raise ForgeError(
                    f"A GitHub App has no account of its own at {request.url.path}", permanent=True
                )
            token, whose = self._installations.token_for(repository)
        request.extensions = {**request.extensions, WHOSE: whose}
        request.headers["Authorization"] = f"Bearer {token}"
        return token


def _repository(request: httpx.Request) -> str:
    """The address of the repository that the request is about; empty if it is about none."""
    found = REPOSITORY.search(request.url.raw_path.decode("ascii"))
    return found[0] if found else ""
