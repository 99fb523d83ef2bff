"""Who may reset the data of a preview, and what its agent is then told."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.previews import services
from seatrial.control.previews.errors import NothingToReset, PullRequestClosed
from seatrial.wire.states import DeploymentState, EnvironmentState
from tests import factories
from tests.factories import Cast
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A = "a" * 40
BY = Actor.person("alice")


def test_a_reset_takes_everything_down_and_deploys_the_newest_commit() -> None:
    scene = Scenario.make()
    live = scene.live(A)
    agent = scene.environment.placements.get().agent_id
    begun = services.reset_data(scene.environment, BY)
    environment = scene.environment
    assert (environment.live, environment.candidate, environment.services) == (None, begun, [])
    assert environment.state == EnvironmentState.BUILDING
    desired = services.desired(environment.placements.get(agent=agent))
    assert desired is not None and desired.candidate is not None
    assert (desired.data, desired.live, desired.candidate.commit) == (1, None, A)
    live.refresh_from_db()
    assert live.state == DeploymentState.SUPERSEDED
    assert AuditEntry.objects.get(action="environment.reset_data").actor == "alice"

    again = services.reset_data(scene.environment, BY)  # while the first is under way
    assert scene.environment.candidate == again and scene.environment.data_generation == 2


def test_what_is_stopped_or_gone_has_no_data_to_reset() -> None:
    scene = Scenario.make()
    scene.live(A)
    scene.stop()
    with pytest.raises(NothingToReset, match="does not run"):
        services.reset_data(scene.environment, BY)
    assert scene.environment.data_generation == 0
    scene.close(at=9)
    with pytest.raises(PullRequestClosed):
        services.reset_data(scene.environment, BY)


def test_only_some_may_reset_data() -> None:
    cast = Cast()
    pull = factories.pull_request(factories.project(cast.workspace, "shop"))
    environment = factories.running(pull, expires_at=timezone.now() + timedelta(hours=1))
    for person, status in ((cast.bob, 403), (cast.charlie, 404)):
        client = Client()
        client.force_login(person)
        assert client.post(f"/api/v1/environments/{environment.pk}/reset-data").status_code == status
        for asked in (client.get, client.post):
            assert asked(f"/environments/{environment.pk}/reset-data").status_code == status
    environment.refresh_from_db()
    assert environment.data_generation == 0 and environment.live is not None
    client = Client()
    client.force_login(cast.alice)
    page = f"/environments/{environment.pk}/reset-data"
    assert "cannot be undone" in client.get(page).content.decode()
    assert page in client.get(f"/environments/{environment.pk}").content.decode()
    assert client.post(page).status_code == 302
    answer = client.post(f"/api/v1/environments/{environment.pk}/reset-data")
    assert answer.status_code == 200 and answer.json()["state"] == "building"
    environment.refresh_from_db()
    assert environment.data_generation == 2 and environment.live is None
