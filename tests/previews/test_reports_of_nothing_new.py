"""Agents say of each preview every 30 s what runs. Where that is known, it costs one statement, and no page is made anew."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from seatrial.control.previews import placements, services
from seatrial.control.previews.models import Deployment, Environment
from seatrial.wire.deployments import DiskUse, EnvironmentObserved
from tests import factories
from tests.previews.scenario import Scenario, web

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
USE = DiskUse(used_mb=100, most_mb=1_000)


@pytest.fixture
def scene() -> Scenario:
    scene = Scenario.make()
    scene.push("a" * 40)
    scene.ready(scene.candidate())
    scene.switch()
    return scene


def live(scene: Scenario) -> Deployment:
    deployment = scene.environment.live
    assert deployment is not None
    return deployment


def report(scene: Scenario, at: int, agent: str = "", **fields: object) -> int:
    """How many statements it took."""
    values = {"services": [web()], "streams": 0, "disk": USE, **fields}
    event = EnvironmentObserved(
        environment=scene.environment.pk,
        revision=99,
        deployment=live(scene).pk,
        at=scene.clock + timedelta(seconds=at),
        **values,  # type: ignore[arg-type]
    )
    sender = agent or live(scene).agent_id or ""
    with CaptureQueriesContext(connection) as captured:
        services.observed(sender, event)
    return len(captured)


def test_the_same_again_is_one_statement_and_the_row_counts_as_unchanged(scene: Scenario) -> None:
    assert report(scene, at=1) > 1, "the first one is news"
    before = scene.environment
    assert report(scene, at=31) == 1
    after = scene.environment
    assert after.observed_at == scene.clock + timedelta(seconds=31)
    assert (after.updated_at, after.visited_at) == (before.updated_at, before.visited_at)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("services", [web("http://10.0.0.9:80")]),
        ("services", [web(), web(name="api")]),
        ("services", []),
        ("disk", DiskUse(used_mb=200, most_mb=1_000)),
    ],
)
def test_what_differs_is_taken_over(scene: Scenario, what: str, told: object) -> None:
    report(scene, at=1)
    assert report(scene, at=31, **{what: told}) > 1
    row = Environment.objects.values("services", "disk").get()
    dumped = (
        told.model_dump(mode="json")
        if isinstance(told, DiskUse)
        else [one.model_dump(mode="json") for one in told]
    )  # type: ignore[attr-defined]
    assert row[what] == dumped


def test_a_full_disk_ends_it_also_when_that_was_known(scene: Scenario) -> None:
    full = DiskUse(used_mb=1_000, most_mb=1_000)
    Environment.objects.update(disk=full.model_dump(mode="json"), observed_at=scene.clock)
    report(scene, at=31, disk=full)
    assert scene.environment.state == "terminated"


def test_who_is_connected_keeps_it_awake(scene: Scenario) -> None:
    report(scene, at=1)
    Environment.objects.update(visited_at=scene.clock)
    report(scene, at=31, streams=1)
    visited_at = scene.environment.visited_at
    assert visited_at is not None and visited_at > scene.clock


def test_the_same_report_wakes_what_is_to_wake(scene: Scenario) -> None:
    report(scene, at=1)
    Environment.objects.update(state="hibernating", asleep_since=scene.clock, waking_since=timezone.now())
    report(scene, at=31)
    assert scene.environment.asleep_since is None


def test_a_late_report_and_that_of_another_agent_change_nothing(scene: Scenario) -> None:
    report(scene, at=31)
    report(scene, at=1)
    report(scene, at=61, agent=factories.agent().pk)
    assert scene.environment.observed_at == scene.clock + timedelta(seconds=31)


def test_placing_reads_each_heartbeat_once_however_many_previews_there_are(scene: Scenario) -> None:
    other = factories.agent()
    with CaptureQueriesContext(connection) as captured:
        placed = {member.id: member.placed for member in placements.fleet()}
    assert placed == {scene.agent.pk: 1, other.pk: 0}
    of_placements = [one["sql"] for one in captured if "previews_placement" in one["sql"]]
    assert of_placements and not any("heartbeat" in sql for sql in of_placements)
