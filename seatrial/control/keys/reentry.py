"""Secrets that no key here opens, and where each can be entered or made again."""

from collections.abc import Callable
from typing import NamedTuple

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django.urls import reverse

from seatrial.control.projects.models import Connection, Variable
from seatrial.control.vault.rewrapping import unknown

MOST = 200


class Reentry(NamedTuple):
    """`what` is lost, `how` it comes back, both for people; `path` is the page for that, empty if there is none."""

    what: str
    how: str
    path: str = ""

    @property
    def address(self) -> str:
        """Of the page, whole; empty if there is none."""
        return f"{settings.SITE_URL}{self.path}" if self.path else ""


def reentries() -> list[Reentry]:
    """One for each secret whose key is not here, MOST at most. Raises VaultError."""
    return [_reentry(column, pk) for column, pk in unknown(MOST)]


def _reentry(column: str, pk: str) -> Reentry:
    label, _, _ = column.rpartition(".")
    row = apps.get_model(label)._base_manager.filter(pk=pk).first()
    place = PLACES.get(column)
    if row is None or place is None:
        return Reentry(f"{column} {pk}", "Set it again.")
    return place(row)


def _credential(row: Connection) -> Reentry:
    return Reentry(
        f"The credential of the connection {row.name}",
        "Enter it again, or authorize again.",
        reverse("connections:connection", args=[row.pk]),
    )


def _webhook_secret(row: Connection) -> Reentry:
    return Reentry(
        f"The webhook secret of the connection {row.name}",
        "Rotate it: webhooks that Seatrial registered learn the new one.",
        reverse("connections:rotate", args=[row.pk]),
    )


def _previous(row: Connection) -> Reentry:
    return Reentry(f"The webhook secret before the last one of the connection {row.name}", "Nobody needs it.")


def _variable(row: Variable) -> Reentry:
    if row.ended_at is not None:
        return Reentry(f"A former value of the variable {row.name}", "Nobody needs it.")
    if row.project is not None:
        path = reverse("variables:variables", args=["projects", row.project_id])
        return Reentry(f"The variable {row.name} of the project {row.project.name}", "Set it again.", path)
    path = reverse("variables:variables", args=["workspaces", row.workspace_id])
    return Reentry(f"The variable {row.name} of the workspace {row.workspace.name}", "Set it again.", path)


def _signing_key(_: Model) -> Reentry:
    return Reentry("The private half of the key of signed results", "Rotate it.", reverse("keys:keys"))


def _badge(row: Model) -> Reentry:
    project = row.project  # type: ignore[attr-defined]
    return Reentry(
        f"The address of the public badge of {project.name}",
        "It works on; publish it again to see it.",
        reverse("badges:badge", args=[project.pk]),
    )


def _subscription(row: Model) -> Reentry:
    said = f"The secret that signs notices to {row.url}"  # type: ignore[attr-defined]
    return Reentry(said, "Remove the address, and subscribe it again.", reverse("notices:notices"))


def _bypass_token(row: Model) -> Reentry:
    project = row.project  # type: ignore[attr-defined]
    return Reentry(
        f"The bypass token of {project.name}",
        "It works on; rotate it to see one.",
        reverse("entrance:access", args=[project.pk]),
    )


def _authorization(_: Model) -> Reentry:
    return Reentry(
        "An authorization that somebody was asked for", "Ask for it again.", reverse("connections:new")
    )


def _second_factor(row: Authenticator) -> Reentry:
    name = row.user.get_username()
    return Reentry(
        f"A second factor of {name}",
        f"Remove it with `manage remove_second_factor {name}`; {name} sets up another.",
    )


PLACES: dict[str, Callable[..., Reentry]] = {
    "projects.Connection.credential": _credential,
    "projects.Connection.webhook_secret": _webhook_secret,
    "projects.Connection.previous_webhook_secret": _previous,
    "projects.Variable.value": _variable,
    "signing.SigningKey.private": _signing_key,
    "badges.PublicBadge.token": _badge,
    "notices.Subscription.secret": _subscription,
    "entrance.BypassToken.token": _bypass_token,
    "forge_oauth.AuthorizationRequest.client_secret": _authorization,
    "forge_oauth.AuthorizationRequest.verifier": _authorization,
    "mfa.Authenticator.data": _second_factor,
    "vault.MasterKeyCheck.value": lambda _: Reentry(
        "The value to check the master key with", "Give the lost key up: `manage give_up_lost_key`."
    ),
}
