"""A page needs as many queries for fifty rows as for one."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from seatrial.control.forges.models import Attempt, Delivery, Drift
from tests import factories as make
from tests.dashboard.harbour import Harbour

MOST = 24


def queries(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def delivery_of(harbour: Harbour) -> Delivery:
    return harbour.project.connection.deliveries.earliest("id")


def more(harbour: Harbour) -> None:
    for _ in range(50):
        pull = make.pull_request(harbour.project)
        make.running(pull)
        evaluation = make.evaluation(pull)
        make.result(evaluation, make.policy(harbour.cast.workspace))
        make.project(harbour.cast.workspace)
        make.project(harbour.cast.workspace, connection=harbour.hosted)
        make.agent()
        external_id = harbour.project.external_id
        make.delivery(harbour.project.connection, external_id=external_id, ending="done")
        Attempt.objects.create(delivery=delivery_of(harbour), failed=False)
        drift = {"kind": "opened", "at": timezone.now(), "confirmed_at": timezone.now()}
        Drift.objects.create(project=pull.project, **drift)
        make.result(harbour.evaluation, make.policy(harbour.cast.workspace))
        make.deployment(harbour.live, state="superseded")


PAGES: dict[str, Callable[[Harbour], str]] = {
    "home": lambda harbour: "/",
    "projects": lambda harbour: "/projects",
    "project": lambda harbour: f"/projects/{harbour.project.pk}",
    "environment": lambda harbour: f"/environments/{harbour.live.pk}",
    "evaluation": lambda harbour: f"/evaluations/{harbour.evaluation.pk}",
    "digest": lambda harbour: "/policies/digest",
    "scores": lambda harbour: "/policies/scores",
    "agents": lambda harbour: "/agents",
    "agent": lambda harbour: f"/agents/{harbour.live.live.agent_id}",
    "deliveries": lambda harbour: "/deliveries",
    "delivery": lambda harbour: f"/deliveries/{delivery_of(harbour).pk}",
    "webhook": lambda harbour: f"/connections/{harbour.hosted.pk}/webhook",
    "connections": lambda harbour: "/connections",
    "connection": lambda harbour: f"/connections/{harbour.hosted.pk}",
    "repositories": lambda harbour: f"/connections/{harbour.hosted.pk}/repositories",
    "first": lambda harbour: f"/connections/{harbour.hosted.pk}/first",
    "audit": lambda harbour: "/audit",
    "variables": lambda harbour: f"/projects/{harbour.project.pk}/variables",
    "registries": lambda harbour: f"/projects/{harbour.project.pk}/registries",
}


def test_queries_do_not_grow_with_rows(harbour: Harbour) -> None:
    client = Client()
    client.force_login(harbour.cast.alice)
    few = {name: queries(client, path(harbour)) for name, path in PAGES.items()}
    more(harbour)
    many = {name: queries(client, path(harbour)) for name, path in PAGES.items()}
    assert few == many
    assert max(many.values()) <= MOST, many


@pytest.mark.parametrize("host", ["pr-1-chandlery.preview.localhost", "x" * 5000, "a-" * 200, "\x00", ""])
def test_a_stranger_cannot_make_the_public_page_expensive(harbour: Harbour, host: str) -> None:
    client = Client()
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/preview-unavailable", {"host": host}).status_code in {404, 503}
    assert len(captured) <= 4
