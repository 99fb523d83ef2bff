"""The OAuth of a fake forge: applications, people who say yes or no, tokens that end, refresh tokens."""

import base64
import hashlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlencode

import httpx
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from tests.forges.hosts.site import Person, Site, as_json

MOST_OF_A_CODE = 600.0  # seconds


@dataclass
class Application:
    """What somebody registered."""

    client_id: str
    secret: str
    redirect_uri: str
    scopes: str


@dataclass
class Code:
    """What a browser was sent back with."""

    application: Application
    login: str
    scopes: str
    challenge: str
    redirect_uri: str
    ends_at: float


@dataclass
class Grant:
    """What somebody allowed: the tokens of today. `former` ones were refreshed."""

    application: Application
    login: str
    scopes: str
    access: str = ""
    refresh: str = ""
    ends_at: float = 0.0
    withdrawn: bool = False
    former: list[str] = field(default_factory=list)


class OAuthSite(Site):
    """People say yes or no with a POST to the page, as `login`. Every request for tokens is in `token_requests`.

    `rotates`: a refresh token is good once. `lost_answers`: so many answers with tokens never arrive.
    """

    authorize_path: ClassVar[str] = "/oauth/authorize"
    token_path: ClassVar[str] = "/oauth/token"
    revoke_path: ClassVar[str] = ""
    separator: ClassVar[str] = " "  # between scopes, as people's tokens have them
    access_seconds: ClassVar[float] = 7200.0

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.applications: dict[str, Application] = {}
        self.codes: dict[str, Code] = {}
        self.grants: list[Grant] = []
        self.rotates = True
        self.lost_answers = 0
        self.token_requests: list[str] = []

    def application(self, redirect_uri: str) -> Application:
        """Register an application with all that ours needs."""
        made = Application(uuid.uuid4().hex, f"secret-{uuid.uuid4().hex}", redirect_uri, self.oauth_scopes)
        self.applications[made.client_id] = made
        return made

    @property
    def oauth_scopes(self) -> str:
        """What a token needs, as OAuth has it."""
        return self.scopes.replace(self.separator, " ")

    def decided(self, address: str, login: str, *, allow: bool = True) -> httpx.Response:
        """What somebody's browser is answered, who is signed in as `login` and presses a button at `address`."""
        form = {"login": login, "allow": "yes" if allow else ""}
        return httpx.post(address, data=form, trust_env=False, verify=False)

    def granted(self, application: Application, login: str) -> Grant:
        """What somebody allowed in a browser, with its first tokens."""
        grant = Grant(application, login, application.scopes)
        self.grants.append(grant)
        self._given(grant)
        return grant

    # what it answers

    def page(self, request: Request) -> Response | None:
        with self._lock:
            if request.path == self.authorize_path:
                return self._authorize(request)
            if request.path == self.token_path and request.method == "POST":
                return self._tokens(request.form)
            if self.revoke_path and request.path == self.revoke_path and request.method == "POST":
                return self._revoke(request.form)
        return super().page(request)

    def signed_in(self, request: Request) -> Person | None:
        given = request.authorization
        token = (given.token or given.password or "") if given else ""
        grant = self.grant_of(token)
        if grant is None:
            return super().signed_in(request)
        if given is not None and given.password and not self.takes_user(given.username or ""):
            return None
        scopes = grant.scopes.replace(" ", self.separator)
        return replace(self.people[grant.login], token=token, scopes=scopes)

    def grant_of(self, access: str) -> Grant | None:
        """Whose access token it is, while it is one."""
        for one in self.grants:
            good = access == one.access or (not self.ends_at_refresh and access in one.former)
            if access and good and not one.withdrawn and one.ends_at > time.time():
                return one
        return None

    ends_at_refresh: ClassVar[bool] = True  # of an access token

    def takes_user(self, name: str) -> bool:
        """Whether git may send an access token as the password of this user."""
        return True

    def _authorize(self, request: Request) -> Response:
        asked = request.args
        application = self.applications.get(asked.get("client_id", ""))
        if application is None or asked.get("redirect_uri") != application.redirect_uri:
            return Response("The redirect URI included is not valid.", 400)
        back, state = application.redirect_uri, asked.get("state", "")
        if not set(asked.get("scope", "").split()) <= set(application.scopes.split()):
            return redirect(f"{back}?{urlencode({'error': 'invalid_scope', 'state': state})}")
        if request.method != "POST":
            people = "".join(
                f"<button name='login' value='{escape(one)}'>as {escape(one)}</button>" for one in self.people
            )
            body = f"<form method='post'><input type='hidden' name='allow' value='yes'>{people}</form>"
            return Response(body, content_type="text/html")
        if not request.form.get("allow"):
            return redirect(f"{back}?{urlencode({'error': 'access_denied', 'state': state})}")
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        code = uuid.uuid4().hex
        self.codes[code] = Code(
            application,
            request.form["login"],
            asked["scope"],
            asked["code_challenge"],
            back,
            time.time() + MOST_OF_A_CODE,
        )
        return redirect(f"{back}?{urlencode({'code': code, 'state': state})}")

    def _tokens(self, form: Mapping[str, str]) -> Response:
        kind = form.get("grant_type", "")
        self.token_requests.append(kind)
        if self.faults:
            return self.faults.popleft()
        application = self.applications.get(form.get("client_id", ""))
        if application is None or form.get("client_secret") != application.secret:
            return self.no_tokens(self.word_for_client(kind))
        if kind == "authorization_code":
            answer = self._for_code(application, form)
        else:
            answer = self._for_refresh(application, form)
        if self.lost_answers and answer.status_code == 200:
            self.lost_answers -= 1
            return Response("", 502)
        return answer

    def _for_code(self, application: Application, form: Mapping[str, str]) -> Response:
        code = self.codes.pop(form.get("code", ""), None)
        if code is None or code.application is not application:
            return self.no_tokens(self.word_for_code)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        fits = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == code.challenge
        if code.ends_at < time.time() or form.get("redirect_uri") != code.redirect_uri or not fits:
            return self.no_tokens("invalid_grant")
        grant = Grant(application, code.login, code.scopes)
        self.grants.append(grant)
        return self._given(grant)

    def _for_refresh(self, application: Application, form: Mapping[str, str]) -> Response:
        given = form.get("refresh_token", "")
        for grant in self.grants:
            if grant.application is not application or grant.withdrawn:
                continue
            if given == grant.refresh or (not self.rotates and given in grant.former):
                return self._given(grant)
            if given in grant.former:
                return self.no_tokens(self.word_for_used)
        return self.no_tokens("invalid_grant")

    def _given(self, grant: Grant) -> Response:
        grant.former += [one for one in (grant.access, grant.refresh) if one]
        grant.access, grant.refresh = f"access-{uuid.uuid4().hex}", f"refresh-{uuid.uuid4().hex}"
        grant.ends_at = time.time() + self.access_seconds
        return as_json(
            {
                "access_token": grant.access,
                "token_type": "bearer",
                "expires_in": int(self.access_seconds),
                "refresh_token": grant.refresh,
                **self.said_of(grant),
            }
        )

    def _revoke(self, form: Mapping[str, str]) -> Response:
        """As doorkeeper does: one that has ended is not found, and its refresh token lives on."""
        application = self.applications.get(form.get("client_id", ""))
        if application is None or form.get("client_secret") != application.secret:
            return as_json({"error": "unauthorized_client"}, 403)
        grant = self.grant_of(form.get("token", ""))
        if grant is not None:
            grant.withdrawn = True
        return as_json({})

    # what differs

    word_for_code: ClassVar[str] = "invalid_grant"
    word_for_used: ClassVar[str] = "invalid_grant"

    def word_for_client(self, kind: str) -> str:
        """How it says that the application's id or secret is wrong."""
        return "invalid_client"

    def no_tokens(self, word: str) -> Response:
        """A refusal."""
        return as_json({"error": word, "error_description": "no"}, 401 if word == "invalid_client" else 400)

    def said_of(self, grant: Grant) -> dict[str, object]:
        """What else is said with tokens."""
        return {}
