"""Lists are read to their end by following the header Link, whatever comes and goes meanwhile."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from seatrial.control.fleet.models import Agent
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from tests import factories
from tests.factories import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
LISTS = ("projects", "agents", "environments", "deliveries")


@pytest.fixture
def alice() -> Client:
    """In a workspace with five rows of everything; some have the same name."""
    cast = Cast()
    connection = factories.connection(cast.workspace)
    for number in range(5):
        project = factories.project(cast.workspace, f"shop{number}")
        Project.objects.filter(pk=project.pk).update(name="shop" if number < 3 else "a shop")
        factories.environment(factories.pull_request(project))
        factories.agent(f"agent{number}")
        factories.delivery(connection)
    client = Client()
    client.force_login(cast.alice)
    return client


def following(answer: Any) -> str | None:
    link = answer.headers.get("Link", "")
    found = re.fullmatch(r'<http://localhost:3000(/api/v1/[^>]+)>; rel="next"', link)
    assert bool(link) == bool(found)
    return found[1] if found else None


def read(
    client: Client, address: str | None, between: Callable[[], object] = lambda: None
) -> list[list[str]]:
    pages = []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        pages.append([row["id"] for row in answer.json()])
        address = following(answer)
        between()
    return pages


@pytest.mark.parametrize("what", LISTS)
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_together_are_the_list(alice: Client, what: str, limit: int) -> None:
    (whole,) = read(alice, f"/api/v1/{what}")
    pages = read(alice, f"/api/v1/{what}?limit={limit}")
    assert [row for page in pages for row in page] == whole
    assert len(whole) == 5 and {len(page) for page in pages[:-1]} <= {limit}


def test_filters_go_along(alice: Client) -> None:
    project = Environment.objects.order_by("id")[0].project_id
    for number in range(3):
        pull_request = factories.pull_request(Project.objects.get(pk=project))
        factories.environment(pull_request, state="terminated" if number else "pending")
    pages = read(alice, f"/api/v1/environments?project={project}&terminated=true&limit=2")
    assert [len(page) for page in pages] == [2, 2]
    assert [len(page) for page in read(alice, f"/api/v1/environments?project={project}&limit=2")] == [2]


def test_what_comes_and_goes_meanwhile_moves_nothing(alice: Client) -> None:
    (whole,) = read(alice, "/api/v1/agents")
    numbers = itertools.count()

    def between() -> None:
        factories.agent(f"a-{next(numbers)}")  # before all others
        Agent.objects.filter(name="agent1").delete()  # the end of a page

    pages = read(alice, "/api/v1/agents?limit=2", between)
    assert [row for page in pages for row in page] == whole


@pytest.mark.parametrize(
    "cursor", ["x", "!!!!", "W10", "WyJhIiwiYiIsImMiXQ", "WzEsMl0", "WyJcdWQ4MDAiLCJcdTAwMDAiXQ", "é"]
)
@pytest.mark.parametrize("what", LISTS)
def test_a_cursor_of_something_else_is_refused(alice: Client, what: str, cursor: str) -> None:
    answer = alice.get(f"/api/v1/{what}", {"cursor": cursor})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert "cursor" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("limit", "given"), [(0, 1), (-5, 1), (100_000, 5)])
def test_a_limit_beyond_what_there_is_is_the_nearest(alice: Client, limit: int, given: int) -> None:
    assert len(alice.get("/api/v1/deliveries", {"limit": limit}).json()) == given
