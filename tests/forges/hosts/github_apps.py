"""GitHub Apps: JWTs that are really verified, installations, and tokens that end and reach no more than they should."""

import base64
import functools
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from werkzeug.wrappers import Request

from tests.forges.hosts.operations import Gone, Refused
from tests.forges.hosts.site import Hosted, Person, Webhook

if TYPE_CHECKING:
    from tests.forges.hosts.github import GitHubSite

LEVELS = ("", "read", "write", "admin")
# What an installation's token needs for an operation.
NEEDS = {
    "GET /installation/repositories": "metadata:read",
    "GET /repos/{owner}/{repo}": "metadata:read",
    "GET /repos/{owner}/{repo}/branches/{branch}": "contents:read",
    "GET /repos/{owner}/{repo}/branches/{branch}/protection": "administration:read",
    "GET /repos/{owner}/{repo}/rules/branches/{branch}": "metadata:read",
    "GET /repos/{owner}/{repo}/collaborators": "metadata:read",
    "GET /repos/{owner}/{repo}/collaborators/{username}/permission": "metadata:read",
    "GET /repos/{owner}/{repo}/pulls": "pull_requests:read",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}": "pull_requests:read",
    "GET /repos/{owner}/{repo}/issues/{issue_number}/comments": "pull_requests:read",
    "POST /repos/{owner}/{repo}/issues/{issue_number}/comments": "pull_requests:write",
    "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}": "pull_requests:write",
    "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions": "pull_requests:write",
    "POST /repos/{owner}/{repo}/statuses/{sha}": "statuses:write",
    "GET /repos/{owner}/{repo}/commits/{ref}/check-runs": "checks:read",
    "POST /repos/{owner}/{repo}/check-runs": "checks:write",
    "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}": "checks:write",
    "GET /repos/{owner}/{repo}/deployments": "deployments:read",
    "POST /repos/{owner}/{repo}/deployments": "deployments:write",
    "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses": "deployments:read",
    "POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses": "deployments:write",
}
TOLD_WITH = {
    "create": "contents",
    "issue_comment": "issues",
    "merge_group": "merge_queues",
    "pull_request": "pull_requests",
    "push": "contents",
    "release": "contents",
    "repository": "metadata",
}
# GitHub tells these to Apps that did not ask for them.
ALWAYS = {"installation", "installation_repositories", "check_run", "check_suite"}
BY_THE_APP = re.compile(r"[A-Z]+ (/app(/.*)?|/repos/[^/]+/[^/]+/installation)")
CONVERSION = re.compile(r"/api/v3/app-manifests/[^/]+/conversions")
HOUR = timedelta(hours=1)


@dataclass
class App:
    id: int
    slug: str
    webhook: Webhook
    permissions: dict[str, str]
    keys: list[RSAPrivateKey]
    redirect_url: str = ""
    setup_url: str = ""

    @property
    def login(self) -> str:
        return f"{self.slug}[bot]"

    @property
    def pem(self) -> str:
        """The newest private key, as it is downloaded."""
        return pem_of(self.keys[-1])


@dataclass
class Installation:
    id: int
    app: App
    owner: str
    repositories: set[int]
    suspended: bool = False
    left: int = 5000  # requests


@dataclass
class Itself(Person):
    """An App that signed in with a JWT."""

    app: App = field(kw_only=True)


@dataclass
class Integration(Person):
    """Whoever has a token of an installation."""

    installation: Installation = field(kw_only=True)
    repositories: set[int] = field(kw_only=True)
    permissions: dict[str, str] = field(kw_only=True)
    expires_at: datetime = field(kw_only=True)

    def may(self, permission: str, level: str) -> bool:
        return LEVELS.index(self.permissions.get(permission, "")) >= LEVELS.index(level)


class GitHubApps:
    """The Apps of one GitHub. `tokens` are those that were given out, by their text."""

    def __init__(self, site: "GitHubSite") -> None:
        self._site = site
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Integration] = {}
        self.codes: dict[str, App] = {}

    def operations(self) -> "dict[str, Callable[[Request, Any, dict[str, str]], Any]]":
        return {
            "GET /app": self._app,
            "GET /app/hook/config": self._hook,
            "PATCH /app/hook/config": self._change_hook,
            "GET /app/installations": self._installations,
            "POST /app/installations/{installation_id}/access_tokens": self._make_token,
            "GET /installation/repositories": self._repositories,
            "GET /repos/{owner}/{repo}/installation": self._installation_of,
            "POST /app-manifests/{code}/conversions": self._convert,
        }

    # what a person does there

    def create(self, slug: str, *, permissions: dict[str, str], events: list[str], url: str = "") -> App:
        for event in events:
            assert TOLD_WITH[event] in permissions, f"GitHub refuses {event} without {TOLD_WITH[event]}"
        webhook = Webhook(next(self._site.ids), url, secrets.token_hex(20), list(events))
        app = App(next(self._site.ids), slug, webhook, dict(permissions), [key(len(self.apps))])
        self.apps[app.id] = app
        self._site.person(app.login)  # it writes as this account
        return app

    def install(self, app: App, *repositories: Hosted) -> Installation:
        ids = {one.id for one in repositories}
        made = Installation(next(self._site.ids), app, repositories[0].owner, ids)
        self.installations[made.id] = made
        self.tell(made, "created", repositories=[self._named(one) for one in repositories])
        return made

    def suspend(self, installation: Installation, *, suspended: bool = True) -> None:
        installation.suspended = suspended
        self.tell(installation, "suspend" if suspended else "unsuspend")

    def uninstall(self, installation: Installation) -> None:
        del self.installations[installation.id]
        self._revoke(installation)
        self.tell(installation, "deleted", repositories=self._all_named(installation))

    def take_out(self, installation: Installation, hosted: Hosted) -> None:
        installation.repositories.discard(hosted.id)
        self._revoke(installation)
        self.tell(installation, "removed", repositories_added=[], repositories_removed=[self._named(hosted)])

    def put_in(self, installation: Installation, hosted: Hosted) -> None:
        installation.repositories.add(hosted.id)
        self.tell(installation, "added", repositories_added=[self._named(hosted)], repositories_removed=[])

    def _revoke(self, installation: Installation) -> None:
        for token, held in list(self.tokens.items()):
            if held.installation is installation:
                del self.tokens[token]

    # webhooks

    def tell(self, installation: Installation, action: str, **more: Any) -> None:
        event = "installation_repositories" if "repositories_added" in more else "installation"
        shown = {"id": installation.id, "account": {"login": installation.owner}}
        self._send(installation.app, event, {"action": action, "installation": shown, **more})

    def send(self, hosted: Hosted, event: str, payload: dict[str, Any]) -> None:
        """To every App that is installed there and wants it."""
        for one in self.installations.values():
            wanted = event in ALWAYS or event in one.app.webhook.events
            if wanted and hosted.id in one.repositories and not one.suspended:
                self._send(one.app, event, {**payload, "installation": {"id": one.id}})

    def _send(self, app: App, event: str, payload: dict[str, Any]) -> None:
        if app.webhook.url:
            self._site.deliver_to(app.webhook, event, payload)

    # who asks

    def signed_in(self, request: Request) -> Person | None:
        if CONVERSION.fullmatch(request.path):
            return Person(0, "nobody", "", "")
        given = request.authorization
        token = (given.token or given.password or "") if given else ""
        held = self.tokens.get(token)
        if held is not None:
            return held if held.expires_at > datetime.now(UTC) else None
        return self._itself(token) if token.count(".") == 2 else None

    def _itself(self, token: str) -> Itself | None:
        for app in self.apps.values():
            for one in app.keys:
                try:
                    claims = jwt.decode(
                        token,
                        one.public_key(),
                        algorithms=["RS256"],
                        issuer=str(app.id),
                        options={"require": ["exp", "iat", "iss"]},
                    )
                except jwt.InvalidTokenError:
                    continue
                if claims["exp"] - claims["iat"] <= 600:
                    return Itself(app.id, app.login, "", "", app=app)
        return None

    def check(self, operation: str, asked: str, person: Person) -> None:
        """Raise Refused where somebody signed in the wrong way, or a token lacks the permission."""
        if isinstance(person, Itself) != bool(BY_THE_APP.fullmatch(asked)):
            raise Refused(401, "A JSON web token could not be decoded")
        if isinstance(person, Integration):
            if person.installation.suspended:
                raise Refused(403, "This installation has been suspended")
            permission, level = NEEDS.get(operation, "nothing:admin").split(":")
            if not person.may(permission, level):
                raise Refused(403, "Resource not accessible by integration")

    def find(self, person: Integration, hosted: Hosted) -> Hosted:
        if hosted.id not in person.repositories & person.installation.repositories:
            raise Gone
        return hosted

    def may_fetch(self, person: Integration, hosted: Hosted | None, *, pushing: bool) -> bool:
        if hosted is None or hosted.id not in person.repositories & person.installation.repositories:
            return False
        return not person.installation.suspended and person.may("contents", "write" if pushing else "read")

    # operations

    def _app(self, request: Request, person: Itself, parts: dict[str, str]) -> Any:
        return {**self._site.published.example("GET /app"), **self._described(person.app)}

    def _described(self, app: App) -> dict[str, Any]:
        return {
            "id": app.id,
            "slug": app.slug,
            "name": app.slug,
            "html_url": f"{self._site.url}/github-apps/{app.slug}",
            "permissions": app.permissions,
            "events": app.webhook.events,
        }

    def _hook(self, request: Request, person: Itself, parts: dict[str, str]) -> Any:
        return {
            "url": person.app.webhook.url,
            "content_type": "json",
            "insecure_ssl": "0",
            "secret": "********",
        }

    def _change_hook(self, request: Request, person: Itself, parts: dict[str, str]) -> Any:
        body = request.get_json()
        person.app.webhook.url = body.get("url", person.app.webhook.url)
        person.app.webhook.secret = body.get("secret", person.app.webhook.secret)
        return self._hook(request, person, parts)

    def _installations(self, request: Request, person: Itself, parts: dict[str, str]) -> Any:
        return [self._shown(one) for one in self.installations.values() if one.app is person.app]

    def _shown(self, one: Installation) -> dict[str, Any]:
        example = self._site.published.example("GET /app/installations")[0]
        owner = self._site.published.example("GET /repos/{owner}/{repo}")["owner"]
        # The list's schema wants an account and an enterprise in one
        enterprise = {"name": one.owner, "slug": one.owner, "created_at": None, "updated_at": None}
        account = {**owner, **enterprise, "login": one.owner}
        since = "2026-01-01T00:00:00Z" if one.suspended else None
        return {
            **example, "id": one.id, "app_id": one.app.id, "account": account, "suspended_at": since,
            "permissions": one.app.permissions, "events": one.app.webhook.events,
        }  # fmt: skip

    def _installation_of(self, request: Request, person: Itself, parts: dict[str, str]) -> Any:
        hosted = self._site.repositories.get(f"{parts['owner']}/{parts['repo']}")
        for one in self.installations.values():
            if hosted is not None and one.app is person.app and hosted.id in one.repositories:
                return self._shown(one)
        raise Gone

    def _make_token(self, request: Request, person: Itself, parts: dict[str, str]) -> Any:
        installation = self.installations.get(int(parts["installation_id"]))
        if installation is None or installation.app is not person.app:
            raise Gone
        if installation.suspended:
            raise Refused(403, "This installation has been suspended")
        body = request.get_json(silent=True) or {}
        held = self._narrowed(installation, body)
        text = f"ghs_{person.app.id}_" + base64.urlsafe_b64encode(os.urandom(378)).decode()
        self.tokens[text] = held
        return {
            "token": text,
            "expires_at": held.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "permissions": held.permissions,
            "repository_selection": "selected",
        }

    def _narrowed(self, installation: Installation, body: dict[str, Any]) -> Integration:
        app = installation.app
        wanted = set(body.get("repository_ids", installation.repositories))
        permissions = body.get("permissions", app.permissions)
        for name, level in permissions.items():
            if LEVELS.index(app.permissions.get(name, "")) < LEVELS.index(level):
                raise Refused(422, "The permissions requested are not granted to this installation.")
        if not wanted <= installation.repositories:
            raise Refused(422, "There is at least one repository that does not exist or is not accessible.")
        return Integration(
            self._site.people[app.login].id, app.login, "", "", installation=installation, repositories=wanted,
            permissions=dict(permissions), expires_at=datetime.now(UTC) + HOUR,
        )  # fmt: skip

    def _repositories(self, request: Request, person: Integration, parts: dict[str, str]) -> Any:
        example = self._site.published.example("GET /installation/repositories")["repositories"][0]
        mine = [one for one in self._site.repositories.values() if one.id in person.repositories]
        listed = [{**example, **self._site.described(one, person)} for one in mine]
        return {"total_count": len(listed), "repositories": listed}

    def _convert(self, request: Request, person: Person, parts: dict[str, str]) -> Any:
        app = self.codes.pop(parts["code"], None)
        if app is None:
            raise Gone
        return {
            **self._site.published.example("POST /app-manifests/{code}/conversions"),
            **self._described(app),
            "pem": app.pem,
            "webhook_secret": app.webhook.secret,
        }

    def _named(self, hosted: Hosted) -> dict[str, Any]:
        return {
            "id": hosted.id,
            "name": hosted.name,
            "full_name": hosted.full_name,
            "private": hosted.private,
        }

    def _all_named(self, installation: Installation) -> list[dict[str, Any]]:
        return [
            self._named(one)
            for one in self._site.repositories.values()
            if one.id in installation.repositories
        ]


@functools.cache
def key(number: int) -> RSAPrivateKey:
    """The same for the same number: making one takes a moment."""
    return generate_private_key(65537, 2048)


def pem_of(one: RSAPrivateKey) -> str:
    return one.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
