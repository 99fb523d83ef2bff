"""A preview that holds as much of its host's disk as it may is stopped, with what is large; before that, people are warned."""

import pytest

from seatrial.control.audit.models import AuditEntry
from seatrial.control.previews import disk, services
from seatrial.control.previews.models import Environment
from seatrial.control.triggers.said_of import preview_of
from seatrial.wire.deployments import DiskUse, EnvironmentObserved, HeldOnDisk
from tests import factories
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def use(gigabytes: float) -> DiskUse:
    largest = [HeldOnDisk(service="db", path="/data/\x1b[2Jbig", mb=9 * 1024)] if gigabytes >= 8 else []
    return DiskUse(used_mb=int(gigabytes * 1024), most_mb=10 * 1024, largest=largest)


def tell(scene: Scenario, gigabytes: float, agent: str = "") -> Environment:
    environment = scene.environment
    deployment = environment.live or environment.candidate
    event = EnvironmentObserved(
        environment=environment.pk,
        revision=environment.revision,
        deployment=environment.live_id,
        disk=use(gigabytes),
    )
    services.observed(agent or (deployment.agent_id if deployment else "") or "", event)
    return Environment.objects.select_related("project", "live", "candidate").get(pk=environment.pk)


@pytest.fixture
def scene() -> Scenario:
    scene = Scenario.make()
    scene.push("a" * 40)
    return scene


@pytest.fixture
def live(scene: Scenario) -> Scenario:
    scene.ready(scene.candidate())
    scene.switch()
    return scene


def test_little_is_shown_much_is_warned_of_and_nothing_ends(live: Scenario) -> None:
    shown = disk.shown(tell(live, 3))
    assert shown is not None and (shown.said, shown.percent, shown.warning) == ("3 of 10 GB", 30, "")
    shown = disk.shown(tell(live, 8))
    assert shown is not None and "At 10 GB it is stopped" in shown.warning
    assert r"/data/\x1b[2Jbig of db (9 GB)" in shown.warning, "nothing that a terminal obeys"
    assert live.environment.state == "running"


def test_one_that_is_full_ends_says_why_and_comes_back_with_the_next_commit(live: Scenario) -> None:
    ended = tell(live, 10)
    assert (ended.state, ended.stop_cause, ended.stopper) == ("terminated", "disk_full", "a full disk")
    shown = disk.shown(ended)
    assert shown is not None and "10 of 10 GB" in shown.full and "GALLEY_MAX_PREVIEW_DISK" in shown.full
    assert AuditEntry.objects.filter(action="environment.disk_full").count() == 1
    told = preview_of(live.project, "a" * 40, begun=True)
    assert told is not None and "GALLEY_MAX_PREVIEW_DISK" in told.description, "the forge hears why"
    live.push("a" * 40, at=1)
    assert live.environment.pk == ended.pk, "the same commit fills it again"
    live.push("b" * 40, at=2)
    assert live.environment.pk != ended.pk and live.environment.candidate is not None


def test_a_first_deployment_that_fills_the_disk_fails(scene: Scenario) -> None:
    told = tell(scene, 10)
    assert told.candidate is None and told.state == "pending"
    failed = scene.deployment("a" * 40)
    assert (failed.state, failed.reason) == ("failed", "disk_full")
    assert "10 of 10 GB" in failed.message


def test_only_an_agent_that_has_it_is_believed(live: Scenario) -> None:
    assert tell(live, 10, agent=factories.agent().pk).state == "running"
    assert live.environment.disk is None


def test_what_comes_twice_or_late_changes_nothing(live: Scenario) -> None:
    ended = tell(live, 10)
    late = EnvironmentObserved(environment=ended.pk, revision=1, deployment=None, disk=use(11))
    services.observed(live.agent.pk, late)
    again = Environment.objects.get(pk=ended.pk)
    assert (again.revision, again.disk) == (ended.revision, ended.disk)
