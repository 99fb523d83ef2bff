"""The first data of an embedded install. Runs at every start, and keeps everything that exists."""

import contextlib
import secrets
from pathlib import Path

from django.db import transaction

from seatrial import files
from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import Role, User, Workspace
from seatrial.control.accounts.services import ensure_admin, ensure_workspace, set_role
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.forges.connecting import connect
from seatrial.control.forges.local import KIND
from seatrial.control.policies import packs

TOKEN_NAME = "command line"  # noqa: S105


@transaction.atomic
def bootstrap(username: str, password: str, token_file: Path) -> Workspace:
    """Make the workspace `default`, its admin, an API token in `token_file`, the local forge, the starter policies."""
    workspace = ensure_workspace("default", "Default")
    admin = ensure_admin(username, password)
    if not workspace.memberships.filter(user=admin).exists():
        set_role(workspace, admin, Role.OWNER)
    connect(workspace, KIND, "This machine", webhook_secret=secrets.token_hex(32))
    packs.install(workspace, "starter")
    _ensure_token(admin, token_file)
    return workspace


def _ensure_token(user: User, file: Path) -> None:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        row = tokens.find(file.read_text().strip())
        if row is not None and row.user_id == user.pk:
            return
    for old in user.api_tokens.filter(name=TOKEN_NAME):  # its file was lost or changed
        tokens.revoke(old, by=SYSTEM)
    files.replace(file, tokens.issue(user, TOKEN_NAME, by=SYSTEM) + "\n", mode=0o600)
