"""Has somebody authorize this server at a forge: asked for here, said yes to there, and finished here.

The order: `ask` notes what is wanted, `lead` binds it to one browser's session and says where that browser goes, `taken`
accepts the browser that comes back, once, and `finish` gets the tokens and keeps the connection.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, MutableMapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.forges.addresses import address
from seatrial.control.forges.errors import ForgeError, NotAuthorized, UnfitConnection
from seatrial.control.forges.oauth.host import OAuthHost, redirect_uri
from seatrial.control.forges.oauth.keeping import finished
from seatrial.control.forges.oauth.models import AuthorizationRequest
from seatrial.control.forges.oauth.pair import of_sign_in, pair_of
from seatrial.control.forges.oauth.problems import came_back_with
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection

VALID = timedelta(hours=1)
KEPT = "authorization"  # in the session


def host_of(kind: str) -> OAuthHost:
    """How a kind of forge does OAuth. Raises NoSuchForge, UnfitConnection."""
    hosting = registered(kind).hosting
    if hosting is None or hosting.oauth is None:
        raise UnfitConnection(f"Forges of the kind {kind} are not authorized. Connect them another way.")
    return hosting.oauth


def ask(
    workspace: Workspace,
    kind: str,
    *,
    client_id: str,
    client_secret: str,
    base_url: str = "",
    name: str = "",
    connection: Connection | None = None,
    by: Actor,
) -> AuthorizationRequest:
    """Note that somebody is to authorize this server, within VALID. No forge is asked.

    Without a client id, by the application of sign-in, at its address. With a `connection`, that one is authorized again:
    its address and its name stay, and so does its application's secret if none is given. Raises UnfitConnection.
    """
    client_id, client_secret = client_id.strip(), client_secret.strip()
    host = host_of(kind)
    there = host.root(connection.base_url if connection is not None else base_url)
    if not client_id:
        there = _at_sign_in(kind, there)
    elif not client_secret:
        client_secret = _known_secret(connection, client_id)
    row = AuthorizationRequest(
        workspace=workspace,
        connection=connection,
        forge=kind,
        base_url=host.root(address(there or _usual(kind))),
        name=connection.name if connection is not None else name.strip(),
        client_id=client_id,
        client_secret=client_secret if client_id else "",
        asked_by=str(by)[:200],
        until=timezone.now() + VALID,
    )
    row.save()
    return row


def lead(row: AuthorizationRequest, session: MutableMapping[str, Any]) -> str:
    """The address at the forge to which this session's browser goes. Only the last one that was led can come back.

    Raises NotAuthorized when the request is over.
    """
    if row.taken_at is not None or row.until <= timezone.now():
        raise _over()
    state, row.verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    row.save(update_fields=["verifier"])
    session[KEPT] = {"request": row.pk, "state": state}
    host = host_of(row.forge)
    query = {
        "client_id": row.client_id or _client_id_of_sign_in(row.forge),
        "redirect_uri": redirect_uri(),
        "response_type": "code",
        "scope": " ".join(host.scopes),
        "state": state,
        "code_challenge": challenge(str(row.verifier)),
        "code_challenge_method": "S256",
    }
    return f"{host.root(row.base_url)}{host.authorize_path}?{urlencode(query)}"


def challenge(verifier: str) -> str:
    """What the forge is told before it is told the verifier, as PKCE has it."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def taken(session: MutableMapping[str, Any], state: str) -> AuthorizationRequest:
    """The request that this session's browser was led by with this state; nobody gets it again. Raises NotAuthorized."""
    kept = session.get(KEPT)
    if not kept or not hmac.compare_digest(str(kept["state"]).encode(), state.encode()):
        raise _over()
    del session[KEPT]
    now = timezone.now()
    rows = AuthorizationRequest.objects.filter(pk=kept["request"], until__gt=now)
    if not rows.filter(taken_at=None).update(taken_at=now):
        raise _over()
    return rows.select_related("workspace", "connection__account").get()


def finish(row: AuthorizationRequest, query: Mapping[str, str], *, by: Actor) -> Connection:
    """Get the tokens for what the forge sent back with the browser, try them, and keep the connection.

    What went wrong is noted at the request. Called with no transaction open, once for each request. Raises NotAuthorized, and
    ForgeError when the forge refuses or does not answer.
    """
    try:
        code = came_back_with(host_of(row.forge), row, query)
        return finished(host_of(row.forge), row, code, by=by)
    except ForgeError as error:
        row.problem = str(error)
        audit.record(
            "connection.not_authorized",
            f"authorization/{row.pk}",
            by=by,
            workspace=row.workspace_id,
            details={"address": row.base_url, "problem": getattr(error, "title", error.code)},
        )
        raise
    finally:
        row.client_secret = row.verifier = ""
        row.save(update_fields=["problem", "client_secret", "verifier"])


def _over() -> NotAuthorized:
    return NotAuthorized(
        "This authorization is over",
        "It was begun more than an hour ago, or in another browser, or was used already. Begin again. If this happens every "
        f"time, open this server at {settings.SITE_URL}: cookies of another address do not count.",
    )


def _usual(kind: str) -> str:
    hosting = registered(kind).hosting
    return hosting.base_url if hosting is not None else ""


def _at_sign_in(kind: str, base_url: str) -> str:
    """The address of sign-in, at which its application is known, and its secret may be sent."""
    known = of_sign_in(kind)
    if known is None or base_url.rstrip("/") not in {"", known.url.rstrip("/")}:
        raise UnfitConnection(
            "The id of the application is missing, and the settings name none for sign-in at this address."
        )
    return known.url


def _client_id_of_sign_in(kind: str) -> str:
    known = of_sign_in(kind)
    if known is None:
        raise UnfitConnection("The settings name no application for sign-in any more.")
    return known.client_id


def _known_secret(connection: Connection | None, client_id: str) -> str:
    pair = pair_of(str(connection.credential)) if connection is not None else None
    if pair is None or pair.client_id != client_id:
        raise UnfitConnection("The secret of the application is missing.")
    return pair.client_secret
