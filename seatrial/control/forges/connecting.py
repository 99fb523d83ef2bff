"""Makes connections. It is here because only this app knows which kinds of forge there are."""

import secrets
from urllib.parse import urlsplit

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.forges.connected import hosted
from seatrial.control.forges.errors import UnfitConnection
from seatrial.control.forges.protocol import ForgeAccount
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection
from seatrial.control.projects.services import ensure_connection


def connect(
    workspace: Workspace,
    kind: str,
    name: str,
    *,
    webhook_secret: str,
    base_url: str = "",
    credential: str = "",
    by: Actor = SYSTEM,
) -> Connection:
    """`projects.services.ensure_connection`, for a kind of forge that is registered. Raises NoSuchForge."""
    return ensure_connection(
        workspace,
        registered(kind).kind,
        name,
        webhook_secret=webhook_secret,
        base_url=base_url,
        credential=credential,
        by=by,
    )


def connect_hosted(
    workspace: Workspace, kind: str, name: str, *, base_url: str, credential: str, by: Actor
) -> tuple[Connection, ForgeAccount]:
    """Try `credential` at the forge, and keep the connection if it is accepted; also whom it acts as.

    A connection of this name gets the new credential. Its webhook secret is made here, and kept. Called with no
    transaction open. Raises NoSuchForge, UnfitConnection, and ForgeError when the forge refuses or does not answer.
    """
    hosting = registered(kind).hosting
    if hosting is None:
        raise UnfitConnection(f"Forges of the kind {kind} are not connected to: they are on this server.")
    address = _address(base_url or hosting.base_url)
    if not credential.strip():
        raise UnfitConnection(f"A credential is missing. {hosting.credential}")
    tried = Connection(
        workspace=workspace, forge=kind, name=name, base_url=address, credential=credential.strip()
    )
    account = hosted(registered(kind).bind(tried), tried).account()
    if account.missing:
        raise UnfitConnection(
            f"The credential of {account.login} lacks {', '.join(account.missing)}. {hosting.credential}"
        )
    connection = connect(
        workspace,
        kind,
        name.strip() or f"{account.login} at {urlsplit(address).netloc}",
        base_url=address,
        credential=credential.strip(),
        webhook_secret=secrets.token_urlsafe(32),
        by=by,
    )
    return connection, account


def _address(text: str) -> str:
    """The address of a forge, without a path's last slash. Raises UnfitConnection."""
    if not text.strip():
        raise UnfitConnection("The address of the forge is missing. Write it like https://git.example.com")
    parts = urlsplit(text.strip())
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise UnfitConnection(f"{text!r} is no address of a forge. Write it like https://git.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UnfitConnection("The address of a forge has no user, password, query or fragment in it.")
    return text.strip().rstrip("/")
