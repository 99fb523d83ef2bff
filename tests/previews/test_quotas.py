"""A project's own quota: less than the server's total, of memory, CPUs and previews; it stops creation, and no push."""

import pytest
from django.conf import settings

from seatrial.control.audit.actors import Actor
from seatrial.control.previews import totals
from seatrial.control.previews.admission import admit_waiting
from seatrial.control.previews.waits import waits
from seatrial.control.projects.changing import change_project
from seatrial.control.projects.errors import BadQuota
from tests.previews.crowd import Crowd

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
BY = Actor.person("alice")


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Crowd:
    for setting in ("memory", "cpus", "previews"):
        monkeypatch.setattr(settings.CONFIGURATION, f"galley_max_project_{setting}", 0)
    return Crowd()


def test_a_quota_of_previews_stops_new_ones_and_no_push(crowd: Crowd) -> None:
    change_project(crowd.scene.project, by=BY, max_previews=1)
    crowd.live(1, 1)
    crowd.push(2, 1)
    crowd.push(1, 3)
    assert admit_waiting() == 1
    assert (crowd.held(1), crowd.held(2)) == (False, True)
    assert crowd.waits_for(2) == (
        "previews of project shop: 1 of 1 are used by 1 other preview. Stop one, whose room comes free when that can no longer "
        "be undone (GALLEY_UNDO_SECONDS), or close its pull request, or raise the quota in the project's settings"
    )
    crowd.stop(1)
    assert admit_waiting() == 1 and not crowd.held(2)


def test_the_quota_counts_where_it_is_less_and_the_settings_are_named_that_bound_it(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_project(crowd.scene.project, by=BY, max_memory_mb=4096)
    crowd.push(1, 5)
    assert admit_waiting() == 0
    assert crowd.newest(1).reason == "too_large"
    assert crowd.newest(1).message.endswith("or raise the quota in the project's settings.")
    monkeypatch.setattr(settings.CONFIGURATION, "galley_max_project_memory", 2048)
    crowd.push(1, 3)
    assert admit_waiting() == 0
    assert crowd.newest(1).message.endswith("or raise GALLEY_MAX_PROJECT_MEMORY.")


def test_those_that_wait_know_their_place(crowd: Crowd) -> None:
    change_project(crowd.scene.project, by=BY, max_cpus=2)
    crowd.live(1, 1, cpus=2)
    for number in (2, 3, 4):
        crowd.push(number, 1, cpus=1)
    assert admit_waiting() == 0
    crowd.push(2, 1, cpus=1)  # keeps its place
    found = waits([crowd.newest(number).environment_id for number in (4, 2)]).values()
    assert sorted((one.place, one.queued) for one in found) == [(1, 3), (3, 3)]


def test_a_lower_quota_leaves_what_runs(crowd: Crowd) -> None:
    change_project(crowd.scene.project, by=BY, max_previews=9)
    crowd.live(1, 4)
    crowd.live(2, 4)
    change_project(crowd.scene.project, by=BY, max_memory_mb=1024, max_previews=1)
    assert admit_waiting() == 0
    assert crowd.newest(1).state == crowd.newest(2).state == "live"
    crowd.scene.project.refresh_from_db()
    said = {one.name: (one.said, one.share) for one in totals.usages(crowd.scene.project)}
    assert said == {
        "memory": ("8 of 1 GB of memory", 800),
        "CPUs": ("2 CPUs", None),
        "previews": ("2 of 1 previews", 200),
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_memory_mb": 3000}, "GALLEY_MAX_PROJECT_MEMORY"),
        ({"max_memory_mb": 3}, "at least that"),
        ({"max_previews": -1}, "between 0"),
        ({"max_cpus": float("nan")}, "between 0"),
    ],
)
def test_a_quota_that_cannot_count_is_refused(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, changes: dict[str, float], said: str
) -> None:
    monkeypatch.setattr(settings.CONFIGURATION, "galley_max_project_memory", 2048)
    with pytest.raises(BadQuota, match=said):
        change_project(crowd.scene.project, by=BY, **changes)  # type: ignore[arg-type]
    crowd.scene.project.refresh_from_db()
    assert crowd.scene.project.max_memory_mb == crowd.scene.project.max_previews == 0
