"""Replaces tokens by new ones before they end.

GitLab makes the new token and revokes the old one in the same moment, and tells the new one once. So the answer is the only
place where it is, until it is stored: whoever dies in between has lost both. That is why the attempt is noted first. Then
the next look knows what happened: the old token still works and nothing is lost, or it does not, and a person has to paste
another. A token that was revoked is never sent to be rotated, because GitLab then revokes all that came of it.
"""

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

import structlog
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.database_errors import AWAY
from seatrial.control.forges.errors import CredentialRefused, ForgeError
from seatrial.control.forges.gitlab import tokens
from seatrial.control.forges.gitlab.answers import RotatedToken, Token
from seatrial.control.forges.gitlab.client import GitLabClient, NotAllowed
from seatrial.control.forges.gitlab.models import Rotation
from seatrial.control.forges.http.bearer import Pasted
from seatrial.control.forges.oauth.pair import is_pair
from seatrial.control.projects.models import Connection
from seatrial.control.vault.errors import VaultError

log = structlog.get_logger(__name__)

KIND = "gitlab"
BEFORE = timedelta(days=21)
# Longer than a request and its storing take.
UNDER_WAY = timedelta(minutes=10)
STORE_SECONDS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)  # a database that is away may come back
INTERRUPTED = (
    "GitLab may have replaced the token while this server was stopped, and the new one is lost. "
    "Make another token, and connect again under the same name."
)

Sleep = Callable[[float], None]


def rotate_due() -> None:
    """Look at the token of every connection to GitLab. One that cannot be looked at does not stop the others."""
    for connection in Connection.objects.filter(forge=KIND):
        try:
            look_after(connection)
        except (ForgeError, VaultError) as error:
            log.warning("token not looked at", connection=str(connection), error=str(error))


def problem_of(connection: Connection) -> str:
    """Why the connection's token cannot be replaced; empty while it can, and for a connection that is not stored yet."""
    if connection.created_at is None:
        return ""
    row = Rotation.objects.filter(connection=connection.pk).first()
    return row.problem if row is not None else ""


def look_after(connection: Connection, *, sleep: Sleep = time.sleep) -> None:
    """Rotate the connection's token if it ends soon. Safe to call in several processes at once. Raises ForgeError."""
    credential = str(connection.credential)
    if is_pair(credential):
        return  # its tokens live for hours, and are renewed when they are used
    row, _ = Rotation.objects.get_or_create(connection=connection)
    if row.asked_at is not None and row.asked_at > timezone.now() - UNDER_WAY:
        return  # another process is at it
    client = GitLabClient(connection.base_url, Pasted(credential))
    try:
        token = tokens.about(client)
    except CredentialRefused as error:
        _note(row, INTERRUPTED if row.asked_at is not None else f"GitLab refuses the token: {error}.")
        return
    if row.asked_at is not None:
        Rotation.objects.filter(pk=row.pk, asked_at=row.asked_at).update(asked_at=None)
    if token is None or not is_due(token, client.now()):
        _note(row, "")
        return
    _rotate(connection, row, client, token, sleep)


def is_due(token: Token, now: datetime) -> bool:
    """Whether the token ends soon, for how long it lives."""
    ends = tokens.end(token.expires_at)
    if ends is None:
        return False
    lives = ends - token.created_at if token.created_at is not None else BEFORE
    return ends - now < min(BEFORE, lives / 3)


def _rotate(connection: Connection, row: Rotation, client: GitLabClient, token: Token, sleep: Sleep) -> None:
    if not Rotation.objects.filter(pk=row.pk, asked_at=None).update(asked_at=timezone.now()):
        return  # another process was faster
    try:
        asked = {"expires_at": _next_end(token, client.now().date()).isoformat()}
        rotated = client.send("POST", f"{tokens.SELF}/rotate", asked, RotatedToken)
    except ForgeError as error:
        if error.permanent or isinstance(error, NotAllowed):
            Rotation.objects.filter(pk=row.pk).update(asked_at=None)
            _note(row, f"GitLab does not replace the token ({error}). {_by_hand(token)}")
            return
        raise  # nobody knows whether GitLab did it: the next look finds out
    _store_at_last(connection, str(connection.credential), rotated.token, sleep)


def _next_end(token: Token, today: date) -> date:
    """The same time to live again, because GitLab allowed that before."""
    if token.created_at is None or token.expires_at is None:
        return today + timedelta(days=30)
    return today + (token.expires_at - token.created_at.date())


def _by_hand(token: Token) -> str:
    return f"Make another token, and connect again under the same name before {token.expires_at}."


def _store_at_last(connection: Connection, old: str, new: str, sleep: Sleep) -> None:
    """Store the new token, which is nowhere else."""
    for seconds in STORE_SECONDS:
        try:
            _store(connection, old, new)
        except AWAY:
            database.close()
            sleep(seconds)
        else:
            log.info("token replaced by a new one", connection=str(connection))
            return
    log.error("the new token could not be stored and is lost", connection=str(connection))


@transaction.atomic
def _store(connection: Connection, old: str, new: str) -> None:
    """A token that somebody pasted meanwhile stays."""
    row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    if str(row.credential) == old:
        row.credential = new
        row.save(update_fields=["credential"])
        audit.record("connection.rotate_token", f"connection/{row.pk}", by=SYSTEM, workspace=row.workspace_id)
    Rotation.objects.filter(connection=row).update(asked_at=None, problem="")


def _note(row: Rotation, problem: str) -> None:
    if row.problem != problem:
        Rotation.objects.filter(pk=row.pk).update(problem=problem)
        if problem:
            log.warning("token of a connection needs somebody", connection=str(row.connection), why=problem)
