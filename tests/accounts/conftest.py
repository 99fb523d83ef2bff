"""The people of these tests: Alice owns the workspace, Ada is its admin, Dan a developer, Bob a viewer; Charlie belongs to
another workspace."""

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import AnonymousUser

from seatrial.control.accounts.access import Somebody
from seatrial.control.accounts.models import Membership, Role, User, Workspace
from seatrial.control.fleet.models import Agent
from seatrial.control.forges.models import Delivery
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Connection, Project, PullRequest
from tests.dashboard.fixtures import axe, browser, served

__all__ = ["axe", "browser", "served"]


@dataclass
class World:
    people: dict[str, Somebody]
    things: dict[str, object]


@pytest.fixture
def world(db) -> World:
    ours = Workspace.objects.create(slug="ours", name="Ours")
    theirs = Workspace.objects.create(slug="theirs", name="Theirs")
    people: dict[str, Somebody] = {
        name: User.objects.create_user(name)
        for name in ("alice", "ada", "dan", "bob", "charlie", "gone", "root")
    }
    roles = {
        "alice": Role.OWNER,
        "ada": Role.ADMIN,
        "dan": Role.DEVELOPER,
        "bob": Role.VIEWER,
        "gone": Role.OWNER,
    }
    for name, role in roles.items():
        Membership.objects.create(workspace=ours, user=people[name], role=role)
    Membership.objects.create(workspace=theirs, user=people["charlie"], role=Role.OWNER)
    User.objects.filter(username="gone").update(is_active=False)
    User.objects.filter(username="root").update(is_superuser=True)
    people = {name: User.objects.get(username=name) for name in people}
    people["anonymous"] = AnonymousUser()
    return World(people, _things(ours))


def _things(workspace: Workspace) -> dict[str, object]:
    connection = Connection.objects.create(
        workspace=workspace, forge="local", name="here", webhook_secret="s"
    )
    project = Project.objects.create(
        workspace=workspace, connection=connection, external_id="/r", name="r", slug="r", clone_url="/r"
    )
    pull_request = PullRequest.objects.create(
        project=project,
        number=1,
        branch="b",
        head_sha="a" * 40,
        changed_at="2026-01-01T00:00:00Z",
        opened_at="2026-01-01T00:00:00Z",
    )
    return {
        "workspace": workspace,
        "connection": connection,
        "project": project,
        "environment": Environment.objects.create(project=project, pull_request=pull_request, name="pr-1-r"),
        "delivery": Delivery.objects.create(connection=connection, delivery_id="1", event="push", body=b"{}"),
        "agent": Agent.objects.create(name="agent-1", public_key="U1", seal_key="x"),
        "instance": None,
    }
