"""Every person tries every action on every kind of object; the table in `access` says which are allowed."""

import pytest

from seatrial.control.accounts.access import AccessDenied, Action, allowed, require, visible, workspaces
from seatrial.control.accounts.models import ApiToken, User, Workspace
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.audit.models import AuditEntry
from seatrial.control.audit.services import record
from seatrial.control.fleet.models import Agent, BootstrapToken
from seatrial.control.forges.models import Delivery
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.models import Connection, Project
from tests.accounts.conftest import World

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

LOOK = {Action.VIEW}
DEVELOP = LOOK | {
    Action.OPEN_PULL_REQUEST,
    Action.REBUILD_PREVIEW,
    Action.OPEN_TUNNEL,
    Action.STOP_PREVIEW,
    Action.EXTEND_PREVIEW,
    Action.RESET_PREVIEW_DATA,
    Action.APPROVE_FORK,
    Action.INVITE_GUEST,
    Action.VIEW_VARIABLES,
    Action.RUN_EVALUATION,
    Action.REQUEST_WAIVER,
    Action.TRY_POLICY,
}
EVERYTHING = set(Action)
OF_THE_INSTANCE = {Action.MANAGE_AGENTS, Action.MANAGE_KEYS, Action.PERMIT_NETWORKS}
MAY = {
    "root": EVERYTHING,
    "alice": EVERYTHING - OF_THE_INSTANCE,
    "ada": EVERYTHING - OF_THE_INSTANCE - {Action.MANAGE_WORKSPACE},
    "dan": DEVELOP,
    "bob": LOOK,
    "charlie": set(),
    "gone": set(),
    "anonymous": set(),
}
MEMBERS = {"root", "alice", "ada", "dan", "bob"}


@pytest.mark.parametrize("who", list(MAY))
@pytest.mark.parametrize("what", ["workspace", "project", "environment"])
def test_each_person_may_do_what_their_role_says_and_nothing_else(world: World, who: str, what: str) -> None:
    person, thing = world.people[who], world.things[what]
    for action in Action:
        assert allowed(person, action, thing) == (action in MAY[who]), action
        if action in MAY[who]:
            require(person, action, thing)
            continue
        with pytest.raises(AccessDenied) as caught:
            require(person, action, thing)
        assert caught.value.hidden == (who not in MEMBERS), "members get 403, everybody else 404"


@pytest.mark.parametrize("who", list(MAY))
@pytest.mark.parametrize("what", ["agent", "instance"])
def test_the_instance_is_managed_by_its_admin_alone(world: World, who: str, what: str) -> None:
    person, thing = world.people[who], world.things[what]
    for action in EVERYTHING - {Action.VIEW}:
        assert allowed(person, action, thing) == (who == "root")
    may_look = who == "root" or (what == "agent" and who in MEMBERS | {"charlie"})
    assert allowed(person, Action.VIEW, thing) == may_look


@pytest.mark.parametrize("what", ["delivery", "connection"])
def test_looking_at_what_admins_look_at_takes_an_admin(world: World, what: str) -> None:
    for who in ("root", "alice", "ada"):
        require(world.people[who], Action.VIEW, world.things[what])
    for who, hidden in {"dan": False, "bob": False, "charlie": True, "anonymous": True}.items():
        with pytest.raises(AccessDenied) as caught:
            require(world.people[who], Action.VIEW, world.things[what])
        assert caught.value.hidden is hidden


@pytest.mark.parametrize(
    ("model", "seen_by"),
    [
        (Workspace, MEMBERS),
        (Project, MEMBERS),
        (Environment, MEMBERS),
        (Connection, {"root", "alice", "ada"}),
        (Delivery, {"root", "alice", "ada"}),
        (AuditEntry, {"root", "alice", "ada"}),
        (Agent, MEMBERS | {"charlie"}),
    ],
)
def test_lists_hold_what_a_person_may_look_at(world: World, model: type, seen_by: set[str]) -> None:
    ours = world.things["workspace"]
    record("a.b", "c/d", by=SYSTEM, workspace=ours.pk)
    for who, person in world.people.items():
        rows = visible(person, model)
        if model is Workspace:
            rows = rows.filter(pk=ours.pk)
        assert rows.exists() == (who in seen_by), who


def test_nothing_of_the_instance_itself_leaks_to_workspace_owners(world: World) -> None:
    record("agent.register", "agent/1", by=SYSTEM)  # no workspace
    BootstrapToken.objects.create(name="a", digest="d", expires_at="2030-01-01T00:00:00Z")
    assert not visible(world.people["alice"], AuditEntry).exists()
    assert not visible(world.people["alice"], BootstrapToken).exists()
    for model in (User, ApiToken, OutboxMessage):
        assert not visible(world.people["alice"], model).exists()
        assert not allowed(world.people["alice"], Action.VIEW, model())
    assert visible(world.people["root"], AuditEntry).exists()


def test_a_deployment_is_found_through_its_environment(world: World) -> None:
    deployment = Deployment.objects.create(environment=world.things["environment"], commit="a" * 40)
    assert list(visible(world.people["bob"], Deployment)) == [deployment]
    assert not visible(world.people["charlie"], Deployment).exists()


def test_workspaces_where_somebody_may_do_something(world: World) -> None:
    assert {w.slug for w in workspaces(world.people["bob"])} == {"ours"}
    assert not workspaces(world.people["bob"], Action.MANAGE_PROJECTS).exists()
    assert {w.slug for w in workspaces(world.people["charlie"], Action.MANAGE_PROJECTS)} == {"theirs"}


def test_a_refusal_says_what_it_takes(world: World) -> None:
    with pytest.raises(
        AccessDenied, match="You may not rebuild previews here: that takes the role developer"
    ):
        require(world.people["bob"], Action.REBUILD_PREVIEW, world.things["environment"])
