"""The previews of a project share a total: what does not fit waits, says why, and goes on by itself."""

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.fleet.models import Agent
from seatrial.control.previews import services
from seatrial.control.previews.admission import admit_waiting
from seatrial.control.previews.models import Deployment, Environment
from tests import factories
from tests.previews.crowd import Crowd
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Limit = Callable[..., None]


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Limit:
    def limit(gigabytes: float = 0, cpus: float = 0) -> None:
        monkeypatch.setattr(settings.CONFIGURATION, "galley_max_project_memory", int(gigabytes * 1024))
        monkeypatch.setattr(settings.CONFIGURATION, "galley_max_project_cpus", cpus)

    return limit


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


def test_one_that_does_not_fit_waits_with_the_cause_and_goes_on_when_another_stops(
    crowd: Crowd, limit: Limit
) -> None:
    limit(8)
    crowd.live(1, 4)
    crowd.live(2, 2)
    crowd.push(3, 3)
    assert admit_waiting() == 0
    assert crowd.held(3)
    assert crowd.waits_for(3) == (
        "memory of project shop: 6 of 8 GB are used by 2 other previews, and it asks for 3 GB. "
        "Stop one, whose room comes free when that can no longer be undone (GALLEY_UNDO_SECONDS), or close its "
        "pull request, or raise GALLEY_MAX_PROJECT_MEMORY"
    )
    before = crowd.newest(3).environment.revision
    crowd.stop(2)
    assert crowd.waits_for(3) == "the worker, to let its services start"
    assert admit_waiting() == 1
    assert not crowd.held(3)
    assert crowd.newest(3).environment.revision > before, "its agent is told"
    assert "memory" not in crowd.waits_for(3)
    assert admit_waiting() == 0, "only once"


def test_cpus_are_limited_like_memory(crowd: Crowd, limit: Limit) -> None:
    limit(cpus=4)
    crowd.live(1, 1, cpus=2.5)
    crowd.push(2, 1, cpus=2)
    assert admit_waiting() == 0
    assert crowd.waits_for(2) == (
        "CPUs of project shop: 2.5 of 4 are used by 1 other preview, and it asks for 2. "
        "Stop one, whose room comes free when that can no longer be undone (GALLEY_UNDO_SECONDS), or close its "
        "pull request, or raise GALLEY_MAX_PROJECT_CPUS"
    )
    crowd.push(2, 1, cpus=1.5)
    assert admit_waiting() == 1


def test_fractions_that_add_up_to_the_total_fit(crowd: Crowd, limit: Limit) -> None:
    limit(cpus=0.3)
    crowd.live(1, 1, cpus=0.1)
    crowd.push(2, 1, cpus=0.2)
    assert admit_waiting() == 1


def test_nothing_starts_before_it_is_known_what_it_asks_for(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    crowd.scene.push("a" * 40)
    assert admit_waiting() == 0
    assert crowd.held(1)


def test_one_that_can_never_fit_is_refused_at_once(crowd: Crowd, limit: Limit) -> None:
    limit(8, cpus=4)
    live = crowd.live(1, 4)
    crowd.push(1, 8.5)
    crowd.push(2, 1, cpus=5)
    assert "project" not in crowd.waits_for(1), "it does not wait for room that can never be"
    assert admit_waiting() == 0
    first, second = crowd.newest(1), crowd.newest(2)
    assert (first.state, first.reason, second.reason) == ("failed", "too_large", "too_large")
    assert first.message == (
        "Its services together ask for 8.5 GB of memory, and all previews of a project get at most 8 GB. "
        "Lower what they ask for, leave services out, or raise GALLEY_MAX_PROJECT_MEMORY."
    )
    assert "5 CPUs" in second.message and "GALLEY_MAX_PROJECT_CPUS" in second.message
    assert Environment.objects.get(pk=live.environment_id).live_id == live.pk, "what runs stays"


def test_a_push_to_a_preview_that_runs_goes_on_though_nothing_is_free(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    crowd.live(1, 4)
    crowd.live(2, 4)
    crowd.push(3, 1)
    crowd.push(1, 4)
    assert admit_waiting() == 1
    assert (crowd.held(1), crowd.held(3)) == (False, True)
    limit(7)
    crowd.push(2, 3.5)
    assert admit_waiting() == 1, "though the project has more than it should"


def test_an_agent_is_told_what_a_preview_that_runs_has_already(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    crowd.live(1, 3, cpus=1.5)
    crowd.push(1, 3, cpus=1.5)
    crowd.push(2, 3)
    assert (crowd.told(1).room_cpus, crowd.told(1).room_memory_mb) == (1.5, 3 * 1024)
    assert (crowd.told(2).room_cpus, crowd.told(2).room_memory_mb) == (0, 0)


def test_a_push_that_asks_for_more_needs_room_for_the_difference(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    crowd.live(1, 3)
    crowd.live(2, 3)
    crowd.push(1, 6)
    assert admit_waiting() == 0 and crowd.held(1)
    crowd.push(1, 5)
    assert admit_waiting() == 1 and not crowd.held(1)
    crowd.push(3, 1)
    assert admit_waiting() == 0, "the larger version counts from when it is let in"


def test_a_smaller_version_makes_room_when_visitors_are_on_it(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    crowd.live(1, 6)
    crowd.push(2, 4)
    smaller = crowd.push(1, 3)
    assert admit_waiting() == 1
    assert admit_waiting() == 0 and crowd.held(2), "both versions run"
    crowd.scene.ready(smaller)
    crowd.scene.switch()
    assert admit_waiting() == 1 and not crowd.held(2)


def test_the_preview_that_was_opened_first_goes_first_and_holds_up_none_that_fits(
    crowd: Crowd, limit: Limit
) -> None:
    limit(8)
    crowd.live(1, 4)
    crowd.live(2, 4)
    crowd.push(3, 8)
    crowd.push(4, 4)
    crowd.push(5, 3)
    crowd.push(6, 1)
    crowd.push(4, 4)  # pushed to again: it keeps its place
    assert admit_waiting() == 0
    crowd.stop(2)
    assert admit_waiting() == 1
    assert [number for number in (3, 4, 5, 6) if not crowd.held(number)] == [4]
    crowd.stop(1)
    assert admit_waiting() == 2
    assert crowd.held(3) and not crowd.held(5) and not crowd.held(6)


@pytest.mark.parametrize("ends", ["fails", "is stopped", "is replaced"])
def test_whatever_ends_gives_back_what_it_had(crowd: Crowd, limit: Limit, ends: str) -> None:
    limit(8)
    first = crowd.push(1, 8)
    assert admit_waiting() == 1
    crowd.push(2, 8)
    assert admit_waiting() == 0
    if ends == "fails":
        crowd.scene.fail(first)
    elif ends == "is stopped":
        crowd.stop(1)
    else:
        crowd.push(1, 0.5)
        assert not crowd.newest(1).admitted_at
        crowd.push(2, 7.5)
    assert admit_waiting() == (2 if ends == "is replaced" else 1)
    assert not crowd.held(2)


def test_a_stopped_preview_keeps_its_room_for_as_long_as_that_can_be_undone(
    crowd: Crowd, limit: Limit
) -> None:
    limit(8)
    live = crowd.live(1, 6)
    crowd.halt(1)
    crowd.push(2, 4)
    assert admit_waiting() == 0 and crowd.held(2)
    assert "6 of 8 GB are used by 1 other preview" in crowd.waits_for(2)
    services.undo(live.environment, by=Actor.person("alice"))
    assert Environment.objects.get(pk=live.environment_id).live_id == live.pk
    assert admit_waiting() == 0 and crowd.held(2), "what came back uses its room"
    crowd.halt(1)
    assert admit_waiting() == 0 and crowd.held(2)
    crowd.undo_time_passes(1)
    assert admit_waiting() == 1 and not crowd.held(2)


def test_projects_do_not_share(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    crowd.live(1, 8)
    other = Scenario.make("blog")
    other.push("b" * 40)
    other.reads(other.candidate(), 8 * 1024)
    assert admit_waiting() == 1


def test_without_a_total_nothing_waits(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    crowd.live(1, 8)
    crowd.push(2, 8)
    assert admit_waiting() == 0
    limit()
    crowd.scene.tell(crowd.scene.news("synchronize", "c" * 40, at=99, number=3))
    assert not crowd.held(3), "from the start"
    assert admit_waiting() == 1 and not crowd.held(2), "also what waited before"


def test_an_agent_that_does_not_know_of_it_is_counted_when_it_is_ready(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    crowd.scene.push("a" * 40)
    first = crowd.newest(1)
    crowd.scene.ready(first)
    crowd.scene.reads(first, 6 * 1024)
    crowd.push(2, 3)
    assert admit_waiting() == 0 and crowd.held(2)


def test_an_agent_speaks_for_its_own_deployments_only(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    first = crowd.push(1, 9)
    crowd.scene.reads(first, 1024, agent=factories.agent().pk)
    assert admit_waiting() == 0
    assert crowd.newest(1).reason == "too_large"


def test_one_that_waits_is_deployed_anew_when_its_agent_is_lost(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    crowd.live(1, 8)
    waiting = crowd.push(2, 4)
    another = factories.agent()
    Agent.objects.filter(pk=crowd.scene.agent.pk).update(state="offline")
    Deployment.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    lost = Agent.objects.get(pk=crowd.scene.agent.pk)
    assert services.lost_contact(lost) == 0
    newest = crowd.newest(2)
    assert newest.pk != waiting.pk and newest.agent_id == another.pk
    assert newest.commit == waiting.commit and newest.state == "queued"


def test_what_was_there_before_the_total_is_admitted_by_the_migration(crowd: Crowd, limit: Limit) -> None:
    limit(8)
    admit = import_module("seatrial.control.previews.migrations.0010_admission").admit
    crowd.scene.push("a" * 40)
    assert crowd.held(1)
    admit(apps, None)
    assert not crowd.held(1)
    assert crowd.newest(1).admitted_at == crowd.newest(1).created_at


def test_who_waits_is_looked_at_and_nobody_else(crowd: Crowd, limit: Limit) -> None:
    """It is asked after every report of a recipe, so a project of many previews would otherwise read all of them for each."""
    limit(100)
    crowd.push(1, 1)
    with CaptureQueriesContext(connection) as alone:
        assert admit_waiting() == 1
    for number in range(2, 8):
        crowd.live(number, 1)
    crowd.scene.tell(crowd.scene.news("closed", crowd.newest(7).commit, at=99, number=7))
    crowd.push(8, 1)
    with CaptureQueriesContext(connection) as among_many:
        assert admit_waiting() == 1
    assert len(among_many) == len(alone)
