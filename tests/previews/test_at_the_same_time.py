"""What happens when two do something to one preview at once: each on a connection of its own."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.conf import settings
from django.db import connection, transaction

from seatrial.control.audit.actors import Actor
from seatrial.control.policies import services as policies
from seatrial.control.previews import lifecycle, services
from seatrial.control.previews.admission import admit_waiting
from seatrial.control.previews.errors import NothingToUndo
from seatrial.control.previews.models import Deployment
from seatrial.control.projects.models import PullRequest
from tests import factories
from tests.previews.scenario import Scenario

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
A, B = (letter * 40 for letter in "ab")
T = TypeVar("T")


def meanwhile(work: Callable[[], T]) -> Future[T]:
    """`work` in a transaction of another thread, until it waits for a lock of ours."""

    def run() -> T:
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    backend.append(cursor.fetchone()[0])
                started.set()
                return work()
        finally:
            connection.close()

    started = threading.Event()
    backend: list[int] = []
    pool = ThreadPoolExecutor(1)
    future = pool.submit(run)
    pool.shutdown(wait=False)  # it ends when we let go of the lock
    assert started.wait(60)
    deadline = time.monotonic() + 60
    while not _waits(backend[0]):
        assert time.monotonic() < deadline and not future.done(), "it should wait for us"
        time.sleep(0.01)
    return future


def _waits(backend: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [backend])
        return bool(cursor.fetchone()[0])


def test_a_transaction_that_waited_for_an_environment_sees_its_newest_state() -> None:
    scene = Scenario.make()
    scene.push(A)
    deployment = scene.candidate()
    scene.ready(deployment)
    with transaction.atomic():
        mine = lifecycle.locked(scene.environment.pk)
        assert mine is not None
        other = meanwhile(lambda: lifecycle.locked(mine.pk))
        lifecycle.go_live(mine)
    theirs = other.result(60)
    assert theirs is not None
    assert (theirs.candidate_id, theirs.candidate) == (None, None)
    assert theirs.live is not None and theirs.live_id == theirs.live.pk == deployment.pk
    assert theirs.live.state == "live"


def test_a_rebuild_and_a_delivery_of_one_project_do_not_lock_each_other_out() -> None:
    scene = Scenario.make()
    scene.live(A)
    services.stop(scene.environment, by=Actor.person("alice"))
    stopped = scene.environment
    news = scene.news("synchronize", B, at=9)
    with transaction.atomic():
        PullRequest.objects.select_for_update().get(
            pk=scene.pull_request.pk
        )  # as far as the rebuild has come
        delivery = meanwhile(lambda: scene.tell(news))
        services.rebuild(stopped, by=Actor.person("alice"))
    assert delivery.result(60).startswith("deployment")


def test_an_undo_at_the_last_moment_wins_over_the_removal_that_waits_for_it() -> None:
    scene = Scenario.make()
    scene.live(A)
    scene.stop()
    scene.undo_time_passes()
    with transaction.atomic():
        lifecycle.locked(scene.environment.pk)
        removal = meanwhile(services.expire)
        scene.undo()
    assert removal.result(60) == 0
    assert scene.environment.state == "running"


def test_an_undo_that_waited_for_the_removal_is_refused() -> None:
    scene = Scenario.make()
    scene.live(A)
    scene.stop()
    scene.undo_time_passes()
    with transaction.atomic():
        lifecycle.locked(scene.environment.pk)
        undo = meanwhile(scene.undo)
        assert services.expire() == 1
    with pytest.raises(NothingToUndo):
        undo.result(60)
    assert scene.environment.state == "terminated"


def test_a_rebuild_and_an_evaluation_of_one_project_do_not_lock_each_other_out() -> None:
    scene = Scenario.make()
    scene.live(A)
    services.stop(scene.environment, by=Actor.person("alice"))
    stopped, pull_request = scene.environment, scene.pull_request
    factories.policy(scene.project.workspace)
    with transaction.atomic():
        PullRequest.objects.select_for_update().get(pk=pull_request.pk)

        def evaluate() -> bool:
            made = policies.evaluate(
                scene.project, commit=B, ref="refs/heads/x", event="pull_request", pull_request=pull_request
            )
            return made is not None

        evaluation = meanwhile(evaluate)
        services.rebuild(stopped, by=Actor.person("alice"))
    assert evaluation.result(60)


@pytest.fixture
def crowded(monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """Two previews that wait, of a project that has room for one of them."""
    monkeypatch.setattr(settings.CONFIGURATION, "galley_max_project_memory", 1_000)
    scene = Scenario.make()
    for number, commit in enumerate((A, B), start=1):
        scene.tell(scene.news("opened", commit, at=number, number=number))
        scene.reads(scene.deployment(commit), 600)
    return scene


def test_of_two_that_are_looked_at_by_two_workers_at_once_one_is_admitted(crowded: Scenario) -> None:
    with transaction.atomic():
        assert admit_waiting() == 1
        other = meanwhile(admit_waiting)
    assert other.result(60) == 0
    assert [crowded.deployment(commit).admitted_at is not None for commit in (A, B)] == [True, False]


def test_an_admission_and_a_new_preview_of_one_project_do_not_lock_each_other_out(crowded: Scenario) -> None:
    with transaction.atomic():
        assert lifecycle.locked(crowded.deployment(A).environment_id)
        other = meanwhile(admit_waiting)
        factories.deployment(factories.environment(factories.pull_request(crowded.project)))
    assert other.result(60) == 1
    assert Deployment.objects.exclude(admitted_at=None).count() == 1


def test_one_that_is_replaced_while_it_is_looked_at_is_not_admitted(crowded: Scenario) -> None:
    with transaction.atomic():
        mine = lifecycle.locked(crowded.deployment(A).environment_id)
        assert mine is not None
        other = meanwhile(admit_waiting)
        lifecycle.begin(mine, commit="c" * 40, branch="feature")
    assert other.result(60) == 1
    assert [crowded.deployment(one).admitted_at is not None for one in (A, B, "c" * 40)] == [
        False,
        True,
        False,
    ]
