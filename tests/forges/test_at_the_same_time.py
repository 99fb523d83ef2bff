"""Two requests that do the same thing at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection as database

from seatrial.control.audit.actors import Actor
from seatrial.control.forges import intake
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.local import services
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.forges.models import Delivery
from seatrial.control.projects.models import Connection, Project
from tests.forges.conftest import SECRET, Work, payload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

T = TypeVar("T")
MANY = 6


def at_once(what: Callable[[int], T]) -> list[T]:
    """Run `what` in MANY threads that start together, each with a database connection of its own."""
    barrier = Barrier(MANY)

    def one(number: int) -> T:
        try:
            barrier.wait(timeout=60)
            return what(number)
        finally:
            database.close()

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(one, range(MANY)))


def test_one_delivery_arriving_many_times_is_accepted_once(connection: Connection) -> None:
    body = payload("pull_request.opened")
    headers = {
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": "d-1",
        "X-Hub-Signature-256": sign(body, SECRET),
    }
    answers = at_once(lambda _: intake.receive(connection, headers, body).status)
    assert sorted(answers) == [200] * (MANY - 1) + [202]
    assert Delivery.objects.count() == 1


def test_registering_one_repository_many_times_is_one_project(connection: Connection, work: Work) -> None:
    ids = at_once(lambda _: services.register(connection, str(work.path), by=Actor.person("alice")).pk)
    assert len(set(ids)) == Project.objects.count() == 1


def test_branches_opened_together_have_numbers_of_their_own(connection: Connection, work: Work) -> None:
    for number in range(MANY):
        work.git("branch", f"feature-{number}")
    project = services.register(connection, str(work.path), by=Actor.person("alice"))
    numbers = at_once(
        lambda number: services.open_pull(project, f"feature-{number}", by=Actor.person("alice")).number
    )
    assert sorted(numbers) == list(range(1, MANY + 1))


def test_one_branch_opened_many_times_is_one_pull_request(connection: Connection, work: Work) -> None:
    project = services.register(connection, str(work.path), by=Actor.person("alice"))
    assert (
        at_once(lambda _: services.open_pull(project, "main", by=Actor.person("alice")).number) == [1] * MANY
    )
    assert LocalPullRequest.objects.count() == 1
