"""A project with a preview, variables, and people of every role."""

from typing import Any

from django.test import Client

from seatrial.control.accounts.models import Membership, Role
from seatrial.control.audit.actors import Actor
from seatrial.control.projects.models import Project
from seatrial.control.projects.scopes import Scope
from seatrial.control.variables import setting
from seatrial.control.variables.entries import Entry
from tests import factories

ALICE = Actor.person("alice")


def put(scope: Scope, tier: str = "trusted", *, secret: bool = True, **values: str) -> list[str]:
    entries = [Entry(name, value, secret=secret, tier=tier) for name, value in values.items()]
    return setting.put(scope, entries, by=ALICE)


def client_of(project: Project, role: str) -> Client:
    """A browser of somebody with that role in the project's workspace; a stranger has one elsewhere."""
    client = Client()
    if role == "anonymous":
        return client
    user: Any = factories.user(f"a-{role}")
    if role == "stranger":
        factories.workspace(owner=user)
    else:
        Membership.objects.create(workspace=project.workspace, user=user, role=Role(role))
    client.force_login(user)
    return client
