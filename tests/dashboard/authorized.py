"""A connection by OAuth whose authorization has ended, and the request for another one, as pages show them."""

from datetime import timedelta

from django.utils import timezone

from seatrial.control.forges.models import Account
from seatrial.control.forges.oauth.models import Authorization, AuthorizationRequest
from seatrial.control.projects.models import Connection
from tests import factories as make
from tests.dashboard.harbour import Harbour


def authorized(harbour: Harbour) -> tuple[Connection, AuthorizationRequest]:
    """Made once."""
    workspace, there, now = harbour.cast.workspace, "https://gitlab.example.com", timezone.now()
    name = "seatrial-bot at gitlab.example.com"
    known = Connection.objects.filter(workspace=workspace, name=name).first()
    if known is not None:
        return known, AuthorizationRequest.objects.get(connection=known)
    row = make.connection(workspace, forge="gitlab", name=name, base_url=there)
    Account.objects.create(connection=row, login="seatrial-bot", version="GitLab 19.1.0-ee", asked_at=now)
    Authorization.objects.create(
        connection=row,
        client_id="1a2b3c",
        by="ann",
        at=now - timedelta(days=3),
        ended=True,
        problem_at=now,
        problem=f"GitLab takes no token of {name} any more: its authorization was withdrawn, or has expired. Authorize it again on the "
        "connection's page. Until then what is to be done there waits.",
    )
    asked = AuthorizationRequest.objects.create(
        workspace=workspace,
        connection=row,
        forge="gitlab",
        base_url=there,
        client_id="1a2b3c",
        asked_by="ann (token:laptop)",
        until=now + timedelta(minutes=50),
    )
    return row, asked
