"""A problem with one project, or one pause, does not affect the others."""

import inspect
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from structlog.testing import capture_logs

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.events import PullRequestChanged
from seatrial.control.projects.models import Project
from seatrial.control.worker import main, sweeps
from seatrial.control.worker.database import Database
from seatrial.control.worker.sweeps import Sweeps
from seatrial.control.worker.wakeups import Wakeups
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def test_what_nobody_expected_of_one_project_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = factories.workspace()
    odd, *_ = (factories.project(workspace, name) for name in ("odd", "shop", "till"))
    looked: list[str] = []

    def open_pull_requests(_: LocalForge, project: Project) -> list[PullRequestChanged]:
        looked.append(project.slug)
        if project == odd:
            raise ValueError("day is out of range for month")
        return []

    monkeypatch.setattr(LocalForge, "open_pull_requests", open_pull_requests)
    with capture_logs() as lines:
        sweeps.sweep_forges(Forges())
    assert sorted(looked) == ["odd", "shop", "till"]
    assert [(line["project"], line["exc_info"]) for line in lines] == [("odd", True)]


def test_evaluations_that_slept_with_the_machine_are_given_time() -> None:
    evaluation = factories.evaluation(
        factories.pull_request(factories.project(factories.workspace())),
        state="running",
        started_at=timezone.now() - timedelta(hours=1),
    )
    sweep = Sweeps(Database(1))
    sweep._attention._last = timezone.now() - timedelta(hours=1)
    sweep.give_up_lost()
    sweep.give_up_lost()
    assert Evaluation.objects.get(pk=evaluation.pk).state == "running"
    sweep._patient_until = timezone.now()
    sweep.give_up_lost()
    assert Evaluation.objects.get(pk=evaluation.pk).state == "errored"


def test_the_worker_starts_every_sweep() -> None:
    every = {name for name in vars(Sweeps) if inspect.iscoroutinefunction(getattr(Sweeps, name))} - {"_every"}
    assert "waivers" in every
    tasks = main._without_bus(Database(1), Wakeups(main.channels()), settings.CONFIGURATION).values()
    assert every == {task.__name__ for task in tasks if isinstance(getattr(task, "__self__", None), Sweeps)}
