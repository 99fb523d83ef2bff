"""A preview lives as long as its project says, and longer when somebody asks for it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.previews import services
from seatrial.control.previews.errors import NothingToExtend, NothingToPin
from seatrial.control.previews.lifetimes import LONGEST
from seatrial.control.previews.models import Environment
from tests import factories
from tests.factories import Cast
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A = "a" * 40
BY = Actor.person("alice")
TTL = timedelta(hours=72)


@pytest.fixture
def scene() -> Scenario:
    return Scenario.make()


def test_an_extension_counts_from_when_it_would_end(scene: Scenario) -> None:
    scene.live(A)
    before = scene.environment.expires_at
    assert before is not None and services.extend(scene.environment, BY) == before + TTL
    assert scene.environment.expires_at == before + TTL
    assert AuditEntry.objects.get(action="environment.extend").actor == "alice"
    Environment.objects.update(expires_at=timezone.now() - timedelta(hours=1))  # the sweep has not come yet
    assert services.extend(scene.environment, BY) > timezone.now() + TTL - timedelta(minutes=1)
    assert services.expire() == 0


def test_nobody_makes_a_preview_live_for_ever(scene: Scenario) -> None:
    scene.live(A)
    for _ in range(LONGEST - 1):
        services.extend(scene.environment, BY)
    with pytest.raises(NothingToExtend, match="already"):
        services.extend(scene.environment, BY)


def test_what_is_stopped_or_gone_is_not_extended(scene: Scenario) -> None:
    scene.live(A)
    scene.stop()
    with pytest.raises(NothingToExtend, match="does not run"):
        services.extend(scene.environment, BY)
    scene.close(at=9)
    with pytest.raises(NothingToExtend):
        services.extend(scene.environment, BY)


def test_only_some_may_extend() -> None:
    cast = Cast()
    pull = factories.pull_request(factories.project(cast.workspace, "shop"))
    environment = factories.running(pull, expires_at=timezone.now() + TTL)
    for person, status in ((cast.bob, 403), (cast.charlie, 404), (cast.alice, 200)):
        client = Client()
        client.force_login(person)
        answer = client.post(f"/api/v1/environments/{environment.pk}/extend")
        page = client.post(f"/environments/{environment.pk}/extend")
        assert (answer.status_code, page.status_code) == (status, 302 if status == 200 else status)
    environment.refresh_from_db()
    assert environment.expires_at is not None
    assert environment.expires_at > timezone.now() + 3 * TTL - timedelta(minutes=1)


def test_what_is_pinned_does_not_expire_and_ends_with_its_pull_request(scene: Scenario) -> None:
    scene.live(A)
    services.pin(scene.environment, BY)
    services.pin(scene.environment, BY)
    Environment.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    assert services.expire() == 0 and scene.environment.pinned_by == "alice"
    services.unpin(scene.environment, BY)
    assert scene.environment.expires_at > timezone.now() + TTL - timedelta(minutes=1), (
        "it has time to be pinned again"
    )
    services.pin(scene.environment, BY)
    scene.stop()
    scene.undo_time_passes()
    assert services.expire() == 1, "a stop ends it"
    with pytest.raises(NothingToPin):
        services.pin(scene.environment, BY)
    scene.push("b" * 40, at=5)
    assert not scene.environment.pinned
    services.pin(scene.environment, BY)
    scene.close(at=9)
    assert scene.environment.state == "terminated"
    assert AuditEntry.objects.filter(action="environment.pin").count() == 3
