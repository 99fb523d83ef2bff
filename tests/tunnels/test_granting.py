"""Who opens tunnels into previews: developers, where the project allows it and the preview runs. Nobody else."""

import json

import pytest
from django.utils import timezone

from seatrial.control.accounts import tokens
from seatrial.control.accounts.access import AccessDenied, Scope
from seatrial.control.accounts.models import Membership, Role, User
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.audit.models import AuditEntry
from seatrial.control.errors import ControlError, NotFound
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Variable
from seatrial.control.tunnels.errors import InvalidWish, NoTunnel
from seatrial.control.tunnels.granting import NotSignedIn, Records, granted, still_granted, wish_of
from seatrial.wire.tunnels import Outcome, TunnelEnd
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

SHELL = wish_of('{"carries": "command", "service": "web", "command": ["sh"], "terminal": true}')
PORT = wish_of('{"carries": "connection", "service": "db", "port": 5432}')


@pytest.fixture
def cast() -> make.Cast:
    return make.Cast()


@pytest.fixture
def preview(cast: make.Cast) -> Environment:
    environment = make.environment(make.pull_request(make.project(cast.workspace)), state="running")
    environment.live = make.deployment(environment, state="live", agent=make.agent("dock-1"))
    environment.save()
    return environment


def token_of(user: User) -> str:
    return tokens.issue(user, "laptop", by=SYSTEM)


def developer(cast: make.Cast) -> User:
    Membership.objects.filter(user=cast.bob, workspace=cast.workspace).update(role=Role.DEVELOPER)
    return cast.bob


def test_a_developer_gets_in_and_a_viewer_a_stranger_and_a_scoped_token_do_not(
    cast: make.Cast, preview: Environment
) -> None:
    with pytest.raises(AccessDenied, match="developer"):
        granted(token_of(cast.bob), preview.pk, SHELL)
    with pytest.raises(NotFound):
        granted(token_of(cast.charlie), preview.pk, SHELL)
    with pytest.raises(NotSignedIn):
        granted("sea_nobody", preview.pk, SHELL)
    bob = developer(cast)
    scoped = tokens.make(bob, "ci", [Scope.PREVIEWS_WRITE], 1, by=SYSTEM)
    with pytest.raises(AccessDenied, match="no scope"):
        granted(scoped, preview.pk, SHELL)
    grant = granted(token_of(bob), preview.pk, SHELL)
    assert (grant.agent, grant.asked.deployment) == (preview.live.agent_id, preview.live_id)
    assert grant.asked.command == ["sh"] and grant.asked.terminal and not grant.asked.fed


def test_a_project_decides_and_those_of_forks_are_closed_unless_it_says_otherwise(
    cast: make.Cast, preview: Environment
) -> None:
    token, project = token_of(cast.alice), preview.project
    preview.pull_request.from_fork = True
    preview.pull_request.save()
    with pytest.raises(NoTunnel, match="of a fork"):
        granted(token, preview.pk, PORT)
    project.tunnels_of_forks = True
    project.save()
    assert granted(token, preview.pk, PORT).asked.port == 5432
    project.tunnels_allowed = False
    project.save()
    with pytest.raises(NoTunnel, match="allows nobody"):
        granted(token, preview.pk, PORT)


def test_what_does_not_run_is_said(cast: make.Cast, preview: Environment) -> None:
    token = token_of(cast.alice)
    preview.asleep_since = timezone.now()
    preview.save()
    with pytest.raises(NoTunnel, match="asleep"):
        granted(token, preview.pk, SHELL)
    preview.asleep_since, preview.live = None, None
    preview.save()
    with pytest.raises(NoTunnel, match="does not run"):
        granted(token, preview.pk, SHELL)


def test_it_ends_when_the_right_or_the_preview_does_and_keeps_the_preview_awake(
    cast: make.Cast, preview: Environment
) -> None:
    bob = developer(cast)
    grant = granted(token_of(bob), preview.pk, SHELL)
    before = timezone.now()
    Environment.objects.filter(pk=preview.pk).update(visited_at=before)
    assert still_granted(grant, False) is None
    preview.refresh_from_db()
    assert preview.visited_at == before
    assert still_granted(grant, True) is None
    preview.refresh_from_db()
    assert preview.visited_at is not None and preview.visited_at > before
    Environment.objects.filter(pk=preview.pk).update(live=None)
    assert still_granted(grant, False) is Outcome.STOPPED
    Membership.objects.filter(user=bob).delete()
    assert still_granted(grant, False) is Outcome.FORBIDDEN


def test_the_log_says_who_ran_what_without_secrets(cast: make.Cast, preview: Environment) -> None:
    Variable.objects.create(
        workspace=cast.workspace, project=preview.project, name="STRIPE_KEY", value="hunter22", created_at=preview.live.created_at
    )  # fmt: skip
    wish = wish_of(json.dumps({"carries": "command", "service": "web", "command": ["pay", "--key=hunter22"]}))
    records, grant = Records(), granted(token_of(cast.alice), preview.pk, wish)
    records.opened(grant)
    records.ended(grant, TunnelEnd(outcome=Outcome.ENDED, exit_code=3), 1.23)
    opened, closed = AuditEntry.objects.filter(action__startswith="tunnel.").order_by("id")
    assert opened.details["command"] == ["pay", "--key=${STRIPE_KEY}"] and "alice" in opened.actor
    assert (opened.target, opened.workspace) == (f"environment/{preview.pk}", cast.workspace.pk)
    assert closed.details["exit_code"] == 3 and closed.details["tunnel"] == opened.details["tunnel"]
    connecting = granted(token_of(cast.alice), preview.pk, PORT)
    for _ in range(3):
        records.opened(connecting)
        records.ended(connecting, TunnelEnd(outcome=Outcome.ENDED), 1.0)
    assert AuditEntry.objects.filter(details__port=5432).count() == 1


@pytest.mark.parametrize(
    "said",
    [
        "", "{", "[]", "null", '{"carries": "files", "service": "web"}', '{"carries": "command", "service": "web"}',
        '{"carries": "connection", "service": "web"}', '{"carries": "connection", "service": "web", "port": 65536}',
        '{"carries": "command", "service": "", "command": ["sh"]}', '{"carries": "command", "service": "w", "command": ["\\u0000"]}',
        '{"carries": "command", "service": "w", "command": ["sh"], "user": "root"}',
        json.dumps({"carries": "command", "service": "w", "command": ["x" * 60_000, "x" * 60_000]}),
    ],
)  # fmt: skip
def test_a_wish_that_says_nothing_is_refused(said: str) -> None:
    with pytest.raises(InvalidWish) as refused:
        wish_of(said)
    assert isinstance(refused.value, ControlError) and len(str(refused.value)) < 700
