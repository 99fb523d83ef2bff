"""The first data of an install. Made when a process prepares the database; everything that exists is kept."""

import contextlib
import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from seatrial import files
from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import Role, User, Workspace
from seatrial.control.accounts.services import ensure_admin, ensure_workspace, set_role
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.fleet import registration
from seatrial.control.fleet.errors import UnfitToken
from seatrial.control.forges.connecting import connect
from seatrial.control.forges.local import KIND
from seatrial.control.installation.errors import UnfitPreset
from seatrial.control.policies import packs

TOKEN_NAME = "command line"  # noqa: S105
ADMIN = "admin"
AGENT = "local"


@transaction.atomic
def bootstrap(username: str, password: str, token_file: Path) -> Workspace:
    """Of an embedded install: the workspace `default`, its admin, the starter policies, the local forge, and an API token
    in `token_file`."""
    workspace, admin = _workspace(username, password)
    connect(workspace, KIND, "This machine", webhook_secret=secrets.token_hex(32))
    _ensure_token(admin, token_file)
    return workspace


@transaction.atomic
def first_of_server() -> None:
    """Of a server in containers: if there is nobody yet, the workspace `default`, its admin and the starter policies; if there is
    no agent yet, the bootstrap token that was preset for it.

    A password that is made here is written to the log before it counts: if two such lines are there, the last one is
    right. Raises UnfitPreset.
    """
    configuration = settings.CONFIGURATION
    if not User.objects.exists():
        preset = configuration.seatrial_admin_password.get_secret_value()
        _workspace(ADMIN, _fit(preset) if preset else _told(secrets.token_urlsafe(12)))
    if token := configuration.galley_agent_token.get_secret_value():
        try:
            registration.preset_bootstrap(AGENT, token, by=SYSTEM)
        except UnfitToken as error:
            raise UnfitPreset(f"GALLEY_AGENT_TOKEN: {error}") from error


def _workspace(username: str, password: str) -> tuple[Workspace, User]:
    workspace = ensure_workspace("default", "Default")
    admin = ensure_admin(username, password)
    if not workspace.memberships.filter(user=admin).exists():
        set_role(workspace, admin, Role.OWNER)
    packs.install(workspace, packs.STARTER)
    return workspace, admin


def _fit(password: str) -> str:
    try:
        validate_password(password, User(username=ADMIN))
    except ValidationError as error:
        raise UnfitPreset(
            f"SEATRIAL_ADMIN_PASSWORD: {' '.join(error.messages)} Choose another, or unset it, and one is made."
        ) from error
    return password


def _told(password: str) -> str:
    print(  # noqa: T201  for the person who installs, in the only place that they see now
        f"first sign-in: {ADMIN} / {password} (change it: {settings.SITE_URL}/accounts/password/change/)",
        flush=True,
    )
    return password


def _ensure_token(user: User, file: Path) -> None:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        row = tokens.find(file.read_text().strip())
        if row is not None and row.user_id == user.pk:
            return
    for old in user.api_tokens.filter(name=TOKEN_NAME):  # its file was lost or changed
        tokens.revoke(old, by=SYSTEM)
    files.replace(file, tokens.issue(user, TOKEN_NAME, by=SYSTEM) + "\n", mode=0o600)
