"""A harbour with a row of everything and somebody of each role; addresses of its rows, in place of an address's parameters."""

import re
from typing import Any

from django.apps import apps
from django.test import Client

from seatrial.control.accounts import tokens
from seatrial.control.accounts.access import Scope, workspace_path
from seatrial.control.accounts.admission.invitations import invite_here
from seatrial.control.accounts.models import ApiToken, Membership, Role
from seatrial.control.api import api
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.policies.models import Attachment
from seatrial.control.policies.notices.models import Notice
from seatrial.control.policies.rescans.models import Rescan
from tests import factories
from tests.dashboard.authorized import authorized
from tests.dashboard.gated import gated
from tests.dashboard.harbour import fill
from tests.dashboard.kept import digested, kept
from tests.dashboard.pictured import pictured
from tests.dashboard.saved import saved
from tests.dashboard.signed_in import signed_in
from tests.dashboard.tried import tried
from tests.dashboard.varied import varied

DOCUMENT = api.get_openapi_schema()
# What stands before a parameter, and whose id it is.
MODELS = {
    "apps": "projects.Connection",
    "local": "projects.Connection",
    "agents": "fleet.Agent",
    "attachments": "policies.Attachment",
    "authorizations": "forge_oauth.AuthorizationRequest",
    "connections": "projects.Connection",
    "deliveries": "forges.Delivery",
    "deployments": "previews.Deployment",
    "detach": "policies.Attachment",
    "digests": "digests.Digest",
    "environments": "previews.Environment",
    "evaluations": "policies.Evaluation",
    "guests": "entrance.GuestLink",
    "notices": "notices.Notice",
    "of": "policies.Policy",
    "of-policy": "policies.Policy",
    "policies": "policies.Policy",
    "policy-reviews": "policy_source.SourceReview",
    "projects": "projects.Project",
    "replays": "policies.Replay",
    "rescans": "rescans.Rescan",
    "reviews": "policy_source.SourceReview",
    "screenshots": "evidence.Screenshot",
    "snapshots": "previews.Snapshot",
    "subscriptions": "notices.Subscription",
    "trials": "policies.Trial",
    "waivers": "policies.Waiver",
    "workspaces": "accounts.Workspace",
}
# Before the id of a workspace, in addresses of pages.
OF_A_WORKSPACE = {"network", "of-workspace", "git", "digest"}
PLAIN = {"number": "1", "registry": "registry.example.com", "forge": "local", "pack": "starter", "wanted": "markdown",
         "token": "x", "path": "x", "pk": "1"}  # fmt: skip
FOR = {
    "environment": "previews.Environment",
    "evaluation": "policies.Evaluation",
    "policy": "policies.Policy",
    "project": "projects.Project",
    "replay": "policies.Replay",
    "trial": "policies.Trial",
    "connection": "projects.Connection",
}
CODE = "def evaluate(project):\n    return {'passed': True}\n"
# Values of required fields of bodies.
FIELDS: dict[str, Any] = {
    "commit": "a" * 40, "repositories": ["a/b"], "permitted": True, "url": "https://hooks.example.com/", "kinds": ["score_fell"],
    "based_on": 1, "files": [{"slug": "mine", "code": CODE}], "app_id": 1, "mode": "public", "text": "A=1", "to": 1, "enabled": True, "day": "friday", "level": "soft",
    "role": "viewer", "ratchet": True, "kept": True, "scopes": ["read"],
}  # fmt: skip


class Quay:
    """The people (`owner`, `admin`, `developer`, `viewer`, `stranger`, `root`), and what they may look at."""

    def __init__(self) -> None:
        self.harbour = harbour = fill()
        self.workspace = harbour.cast.workspace
        for make in (tried, kept, digested, pictured, varied, gated, saved, signed_in, authorized):
            make(harbour)
        Rescan.objects.create(workspace=self.workspace, by="alice")
        self.chosen = {
            "policies.Policy": harbour.written.pk,
            "policies.Attachment": Attachment.objects.filter(policy=harbour.written)[0].pk,
            "projects.Project": harbour.project.pk,
            "previews.Environment": harbour.live.pk,
            "policies.Evaluation": harbour.weak.pk,
            "policies.Waiver": harbour.asked.pk,
        }
        self.people = {
            "owner": harbour.cast.alice,
            "viewer": harbour.cast.bob,
            "stranger": harbour.cast.charlie,
            "root": factories.user("root", is_superuser=True),
        }
        for role in (Role.ADMIN, Role.DEVELOPER):
            self.people[role] = factories.user(role.value)
            Membership.objects.create(workspace=self.workspace, user=self.people[role], role=role)
        self.invitation = invite_here("root", self.workspace, Role.VIEWER, by=SYSTEM)
        self.tokens = {name: tokens.issue(person, "all", by=SYSTEM) for name, person in self.people.items()}
        self.scoped = {
            scope: tokens.make(self.people["owner"], scope, [scope], 1, by=SYSTEM) for scope in Scope
        }
        self.bearer = Client(raise_request_exception=False)
        self.browsers = {name: Client(raise_request_exception=False) for name in self.people}
        for name, browser in self.browsers.items():
            browser.force_login(self.people[name])

    def filled(self, address: str) -> str:
        """`address` of rows of the harbour's workspace."""
        parts = address.split("/")
        for place, part in enumerate(parts):
            if found := re.fullmatch(r"[{<](?:\w+:)?(\w+)[}>](.*)", part):
                of_workspace = address.endswith("/subscribe") or parts[place - 1] in OF_A_WORKSPACE
                parts[place] = (
                    str(self.workspace.pk) if of_workspace else self._value(parts[:place], found[1])
                ) + found[2]
        return "/" + "/".join(parts).lstrip("/")

    def _value(self, before: list[str], name: str) -> str:
        at = before[-1] if before else ""
        slugs = {"workspaces", "people", "memberships"}
        if at in slugs or (name == "workspace" and at in {"policies", "catalogue"}):
            return str(self.workspace.slug)
        if name == "name":
            return "LOG_LEVEL" if "workspaces" in before else "EMPTY"
        if name == "key" and at == "notices":
            at = "subscriptions"
        plain = {**PLAIN, "slug": self.harbour.written.slug, "username": "developer"}
        if name == "kind":
            return "github" if before else "projects"
        if name == "policy" and at == "waive":
            return "licence-present"
        if name in plain:
            return str(plain[name])
        if at == "tokens":
            return str(ApiToken.objects.get(user=self.people["owner"], scopes=[]).pk)
        if name == "notice":
            return str(Notice.objects.earliest("pk").pk)
        if at == "invitations":
            return str(self.invitation.pk)
        return self._id(MODELS[at])

    def form(self, address: str) -> dict[str, str]:
        """What a form needs before it can be refused."""
        if address == "trials/unsaved/try":
            return {"project": self._id("projects.Project"), "code": CODE}
        return {"username": "developer", "role": "viewer"} if address.startswith("people/<str:slug>") else {}

    def field(self, name: str) -> Any:
        """A value for a field of a body, or an argument of a tool."""
        label = FOR.get(name.removesuffix("_id"))
        if label is not None:
            return self._id(label)
        return self.workspace.slug if name == "workspace" else FIELDS.get(name, "a")

    def _id(self, label: str) -> str:
        if label in self.chosen:
            return str(self.chosen[label])
        model = apps.get_model(label)
        path = workspace_path(model)
        rows = model._default_manager.all()
        if path is not None:
            rows = rows.filter(**{path: self.workspace.pk})
        return str(rows.order_by("pk")[0].pk)


def body(method: str, path: str, quay: Quay) -> dict[str, Any] | None:
    """A body with what an operation needs."""
    content = (
        DOCUMENT["paths"][path][method].get("requestBody", {}).get("content", {}).get("application/json")
    )
    if content is None:
        return None
    schema = content["schema"]
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    names = schema.get("required", [])
    if path.endswith("/policies/import"):
        return {"files": [{"name": "mine.py", "text": CODE}]}
    return {name: quay.field(name) for name in names}


def arguments(quay: Quay, schema: dict[str, Any]) -> dict[str, Any]:
    """What a tool needs; where it takes a workspace, the harbour, because without one it is somebody's own first."""
    names = [*schema.get("required", []), *({"workspace"} & schema["properties"].keys())]
    return {name: quay.field(name) for name in names}
