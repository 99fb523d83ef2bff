"""Testing a connection's webhook: somebody sends a delivery through the real door, and it is looked for here."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from django.conf import settings

from seatrial.control import outbound
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.forges import hooks
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError, UnfitConnection
from seatrial.control.forges.models import Delivery
from seatrial.control.forges.protocol import SignsPings, TriesWebhooks
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection, Project
from seatrial.control.projects.webhook_secrets import valid_secrets
from seatrial.control.vault.errors import VaultError
from seatrial.wire.envelope import new_id

TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Fired:
    """A test that is on its way. What came of it are the deliveries with ids above `after`. `sender` is for people.

    `own`: we sent it ourselves, so that it comes does not show that the forge reaches us.
    """

    after: str
    sender: str
    own: bool


def fire(
    forges: Forges,
    connection: Connection,
    *,
    by: Actor,
    project: Project | None = None,
    inner: httpx.BaseTransport | None = None,
) -> Fired:
    """Have the forge send a test for `project`, or for any project of the connection. Audited. No transaction is open.

    Where the forge sends no tests, or no project has a webhook there, we send a signed ping to our own address, which
    shows that the address leads here and that the secret can be used, but not that the forge reaches it. Raises
    ForgeError when no test was sent. `inner` is only given in tests.
    """
    after = new_id()
    project = project or _any_project(connection)
    by_forge = _by_forge(forges, connection, project)
    sender = by_forge or _by_us(connection, inner)
    audit.record(
        "connection.test_webhook",
        f"connection/{connection.pk}",
        by=by,
        workspace=connection.workspace_id,
        details={"sender": sender, "project": project.slug if project else ""},
    )
    return Fired(after, sender, own=not by_forge)


def _any_project(connection: Connection) -> Project | None:
    rows = connection.projects.filter(archived_at=None)
    registered_first = rows.exclude(hook__checked_at=None).filter(hook__problem="").order_by("id")
    return registered_first.first() or rows.order_by("id").first()


def _by_forge(forges: Forges, connection: Connection, project: Project | None) -> str:
    """Who sends the test; empty if this kind of forge does not."""
    forge = forges.of(connection)
    if project is None or not isinstance(forge, TriesWebhooks):
        return ""
    forge.test_webhook(project, hooks.address(connection))
    return f"{registered(connection.forge).title}, for {project.full_name or project.name}"


def _by_us(connection: Connection, inner: httpx.BaseTransport | None) -> str:
    webhooks = registered(connection.forge).webhooks
    if not isinstance(webhooks, SignsPings):
        raise UnfitConnection(
            "Choose a repository first: the code host sends the test for a repository that is under trial."
        )
    headers, body = webhooks.ping(_secret(connection), new_id())
    address = hooks.address(connection)
    client = outbound.client(
        settings.CONFIGURATION, to=[address], timeout=TIMEOUT_SECONDS, trust_env=False, transport=inner
    )
    try:
        with client:
            answer = client.post(address, content=body, headers=dict(headers))
    except httpx.HTTPError as error:
        raise ForgeError(
            f"This server does not reach its own address {settings.SITE_URL}: {error}. If others do, only this test is in vain"
        ) from error
    if answer.status_code >= 500 or "application/json" not in answer.headers.get("Content-Type", ""):
        raise ForgeError(
            f"{address} is answered with {answer.status_code}, and not by Seatrial: look at the proxy in front of it"
        )
    return "this server"


def _secret(connection: Connection) -> str:
    try:
        secrets = valid_secrets(connection)
    except VaultError as error:
        raise UnfitConnection(f"The webhook secret cannot be opened: {error}. Rotate it.") from error
    if not secrets:
        raise UnfitConnection("The connection has no webhook secret: rotate one in.")
    return secrets[0]


def came(connection: Connection, after: str) -> Delivery | None:
    """The first delivery of the connection since, if any came."""
    rows = connection.deliveries.filter(pk__gt=after, fetched=False).defer("body", "headers")
    return rows.order_by("pk").first()


def wait(
    connection: Connection, fired: Fired, seconds: float, sleep: Callable[[float], None] = time.sleep
) -> Delivery | None:
    """The same, for callers that can wait. Holds no transaction."""
    deadline = time.monotonic() + seconds
    while (delivery := came(connection, fired.after)) is None and time.monotonic() < deadline:
        sleep(POLL_SECONDS)
    return delivery
