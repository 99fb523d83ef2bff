"""A provider that behaves like GitHub, GitLab, Gitea or Google, as far as signing in is concerned, over TLS."""

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import jwt
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

PERMISSIONS = {"owner": (True, True), "admin": (False, True), "member": (False, False)}


@dataclass
class Account:
    """Somebody there. `groups` are organisations or groups, with what they are in them."""

    id: int
    login: str
    emails: dict[str, bool] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    hosted: str = ""


@dataclass
class Place:
    """`callback` is where people are sent back to; `person` is who is signed in there, and says yes.

    `faults` are answered in place of the next requests, `asked` has every request of the server under test.
    """

    kind: str
    callback: str
    person: Account
    registered: str = ""  # what the application names instead, by mistake
    client_id: str = "the-application"
    client_secret: str = "the-secret-of-the-application"
    url: str = ""
    says_no: bool = False
    faults: deque[Response] = field(default_factory=deque)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, list[str]] = field(default_factory=dict)
    page: int = 100

    def answer(self, request: Request) -> Response:
        if request.path.endswith("/authorize"):
            return self._authorize(request)
        self.asked.append(f"{request.method} {request.full_path.rstrip('?')}")
        if self.faults:
            return self.faults.popleft()
        if request.path in {"/login/oauth/access_token", "/oauth/token", "/token"}:
            return self._token(request)
        token = (request.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in self.tokens:
            return as_json({"message": "401 Unauthorized"}, 401)
        return self._api(request, self.tokens[token])

    def _authorize(self, request: Request) -> Response:
        asked = request.args
        back = {"state": asked["state"]}
        if asked["client_id"] != self.client_id or asked["response_type"] != "code":
            return Response("unknown application", 400)
        if asked["redirect_uri"] != (self.registered or self.callback):
            if self.kind != "github":
                return Response("The redirect URI included is not valid.", 400)
            return Response(
                status=302,
                headers={
                    "Location": f"{self.callback}?{urlencode({'error': 'redirect_uri_mismatch', **back})}"
                },
            )
        if self.says_no:
            return Response(
                status=302,
                headers={"Location": f"{self.callback}?{urlencode({'error': 'access_denied', **back})}"},
            )
        code = secrets.token_urlsafe(8)
        self.codes[code] = dict(asked)
        return Response(
            status=302, headers={"Location": f"{self.callback}?{urlencode({'code': code, **back})}"}
        )

    def _token(self, request: Request) -> Response:
        form = request.form
        if form["client_secret"] != self.client_secret:
            return self._refusal(
                {"github": "incorrect_client_credentials", "gitea": "unauthorized_client"}.get(
                    self.kind, "invalid_client"
                ),
                401,
            )
        granted = self.codes.pop(form["code"], None)
        if granted is None or not proves(form.get("code_verifier", ""), granted.get("code_challenge", "")):
            return self._refusal("bad_verification_code" if self.kind == "github" else "invalid_grant", 400)
        token = secrets.token_urlsafe(16)
        self.tokens[token] = granted["scope"].split()
        body: dict[str, Any] = {"access_token": token, "token_type": "bearer", "scope": granted["scope"]}
        if self.kind == "google":
            body["id_token"] = self._id_token()
        return as_json(body)

    def _refusal(self, error: str, status: int) -> Response:
        return as_json({"error": error, "error_description": "No."}, 200 if self.kind == "github" else status)

    def _id_token(self) -> str:
        email, verified = next(iter(self.person.emails.items()))
        claims = {"iss": "https://accounts.google.com", "aud": self.client_id, "sub": str(self.person.id), "email": email,
                  "email_verified": verified, "iat": int(time.time()), "exp": int(time.time()) + 3600}  # fmt: skip
        if self.person.hosted:
            claims["hd"] = self.person.hosted
        return jwt.encode(claims, "k" * 32, "HS256")

    def _api(self, request: Request, scopes: list[str]) -> Response:
        path, person = request.path, self.person
        emails = [{"email": one, "verified": ok, "primary": True} for one, ok in person.emails.items()]
        match self.kind, path:
            case "github", "/api/v3/user":
                return as_json(
                    {"id": person.id, "login": person.login, "email": None, "two_factor_authentication": True}
                )
            case "github", "/api/v3/user/emails" if "user:email" in scopes:
                return as_json(emails)
            case "github", "/api/v3/user/memberships/orgs" if "read:org" in scopes:
                assert request.args["state"] == "active"
                rows = [
                    {"state": "active", "role": role, "organization": {"login": name}}
                    for name, role in person.groups.items()
                ]
                return self._paged(request, rows)
            case "gitlab", "/oauth/userinfo" if "openid" in scopes:
                return as_json(self._claims())
            case "gitea", "/api/v1/user" if "read:user" in scopes:
                return as_json({"id": person.id, "login": person.login, "email": "", "is_admin": False})
            case "gitea", "/api/v1/user/emails" if "read:user" in scopes:
                return as_json(emails)
            case "gitea", "/api/v1/user/orgs" if "read:organization" in scopes:
                return self._paged(
                    request, [{"id": 1, "name": name, "username": name} for name in person.groups]
                )
            case "gitea", _ if path.endswith("/permissions") and "read:organization" in scopes:
                owner, admin = PERMISSIONS[person.groups[path.split("/")[6]]]
                return as_json({"is_owner": owner, "is_admin": admin, "can_write": True, "can_read": True})
        return as_json({"message": "403 Forbidden"}, 403)

    def _claims(self) -> dict[str, Any]:
        person = self.person
        email, verified = next(iter(person.emails.items()), ("", False))
        claims: dict[str, Any] = {"sub": str(person.id), "nickname": person.login, "preferred_username": person.login,
                                  "email": email, "email_verified": verified, "groups": list(person.groups)}  # fmt: skip
        for rank in ("owner", "maintainer", "developer"):
            claims[f"https://gitlab.org/claims/groups/{rank}"] = [
                one for one, of in person.groups.items() if of == rank
            ]
        return claims

    def _paged(self, request: Request, rows: list[Any]) -> Response:
        page = int(request.args.get("page", "1"))
        answer = as_json(rows[(page - 1) * self.page : page * self.page])
        if len(rows) > page * self.page:
            query = urlencode({**request.args, "page": page + 1})
            answer.headers["Link"] = f'<{self.url}{request.path}?{query}>; rel="next"'
        return answer

    @contextmanager
    def serving(self, context: ssl.SSLContext | None) -> Iterator[None]:
        server = make_server(
            "127.0.0.1", 0, Request.application(self.answer), threaded=True, ssl_context=context
        )
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def proves(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


def as_json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")
