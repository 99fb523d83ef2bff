"""The bypass token of a project, with which programs get into its previews: the header X-Galley-Bypass, or once `?galley-bypass=`."""

import hashlib
import secrets

from django.db import transaction
from django.utils.crypto import constant_time_compare

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.entrance.errors import NoToken
from seatrial.control.entrance.models import BypassToken
from seatrial.control.projects.models import Project

PREFIX = "galley_bypass_"


@transaction.atomic
def rotate(project: Project, *, by: Actor) -> str:
    """A new token; the one before ends at once, and all passes that it gave."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    BypassToken.objects.filter(project=project).delete()
    token = PREFIX + secrets.token_urlsafe(32)
    BypassToken.objects.create(project=project, token=token, digest=_digest(token))
    _record("rotate", project, by)
    return token


@transaction.atomic
def revoke(project: Project, *, by: Actor) -> None:
    """End the token. Raises NoToken."""
    deleted, _ = BypassToken.objects.filter(project=project).delete()
    if not deleted:
        raise NoToken
    _record("revoke", project, by)


@transaction.atomic
def read(project: Project, *, by: Actor) -> str:
    """The token, for somebody who looks it up. Raises NoToken."""
    row = BypassToken.objects.filter(project=project).first()
    if row is None:
        raise NoToken
    _record("read", project, by)
    return str(row.token)


def found(project: str, token: str) -> BypassToken | None:
    """The project's token, if that is it."""
    row = BypassToken.objects.filter(project_id=project).first()
    return row if row is not None and constant_time_compare(row.digest, _digest(token)) else None


def is_valid(key: str, project: str) -> bool:
    """Whether this is still the project's token."""
    return BypassToken.objects.filter(pk=key, project_id=project).exists()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _record(done: str, project: Project, by: Actor) -> None:
    audit.record(f"bypass_token.{done}", f"project/{project.pk}", by=by, workspace=project.workspace_id)
