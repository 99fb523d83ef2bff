"""Deliveries for admins: found, read, explained, replayed; and the wrong person is refused."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges import intake
from seatrial.control.forges.models import Attempt, Delivery
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.worker import deliveries as worker
from tests import factories
from tests.triggers.hosted import SHOP, DeliveringHere, Team, handle, project

__all__ = ["project"]
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
Lanes = Callable[[], None]


@pytest.fixture
def opened(site: DeliveringHere, project: Project) -> Delivery:
    site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    handle()
    return Delivery.objects.get()


def signed_in(team: Team, role: str) -> Client:
    client = Client()
    client.force_login(team.people[role])
    return client


def found(team: Team, query: str) -> list[str]:
    status, rows = team.call("owner", "GET", f"/deliveries?{query}")
    assert status == 200, rows
    return [row["id"] for row in rows]


def test_a_delivery_says_what_it_was_about_and_what_it_led_to(
    team: Team, project: Project, opened: Delivery
) -> None:
    status, whole = team.call("owner", "GET", f"/deliveries/{opened.pk}")
    assert status == 200
    assert (whole["repository"], whole["number"], whole["project"]) == (SHOP, 1, project.pk)
    assert (whole["ending"], whole["fix"], whole["fetched"]) == ("done", "", False)
    assert json.loads(whole["payload"])["action"] == "opened" and whole["size"] == len(opened.body)
    assert [(one["failed"], one["by"]) for one in whole["tries"]] == [(False, "")]
    assert not any("signature" in name.lower() for name in whole["headers"])
    page = signed_in(team, "owner").get(f"/deliveries/{opened.pk}").content.decode()
    environment = Environment.objects.get()
    assert f"/environments/{environment.pk}?deployment=" in page
    assert f'href="/projects/{project.pk}">{SHOP}</a> #1' in page
    assert "&quot;action&quot;: &quot;opened&quot;" in page and "<details><summary>" in page


def test_the_list_is_searched_and_filtered(team: Team, project: Project, opened: Delivery) -> None:
    link = project.connection
    other = factories.connection(team.workspace, name="till's")
    push = factories.delivery(other, event="push", outcome="nothing new", ending="done")
    bad = factories.delivery(link, result="rejected (signature)", delivery_id="deadbeef-1")
    lost = factories.delivery(link, ending="not connected", repository="acme/other", number=7)
    Delivery.objects.filter(pk=push.pk).update(received_at=timezone.now() - timedelta(days=2))
    hour = quote((timezone.now() - timedelta(hours=1)).isoformat())
    for query, expected in {
        "search=acme/shop": [opened],
        "search=acme/shop%231": [opened],
        "search=acme/shop%232": [],
        "search=%237": [lost],
        "search=ACME": [lost, opened],
        f"search={opened.pk}": [opened],
        f"search={opened.delivery_id}": [opened],
        "search=deadbeef": [bad],
        "search=nothing new": [push],
        "search=till": [push],
        "result=rejected (signature)": [bad],
        "ending=not connected": [lost],
        "event=push": [push],
        f"connection={other.pk}": [push],
        f"until={hour}": [push],
        f"since={hour}": [lost, bad, opened],
        "search=acme&ending=done": [opened],
    }.items():
        assert found(team, query.replace(" ", "%20")) == [row.pk for row in expected], query
    assert team.call("owner", "GET", "/deliveries?since=2026-01-01T00:00:00")[0] == 422, "without a zone"
    client = signed_in(team, "owner")
    page = client.get("/deliveries", {"search": "acme", "ending": "done", "within": "day"}).content.decode()
    assert opened.pk in page and lost.pk not in page and "selected>done</option>" in page
    assert "Nothing matches" in client.get("/deliveries?event=none").content.decode()
    page = client.get(f"/deliveries?connection={other.pk}").content.decode()
    assert "Deliveries of till" in page and '<optgroup label="GitHub">' in page and opened.pk not in page


def test_the_list_goes_on_page_by_page_with_its_filters(team: Team, project: Project) -> None:
    rows = [factories.delivery(project.connection, event="push").pk for _ in range(60)]
    factories.delivery(project.connection, event="star")
    client = signed_in(team, "owner")
    first = client.get("/deliveries?event=push").content.decode()
    assert rows[-1] in first and rows[0] not in first
    older = f"event=push&amp;before={rows[10]}"
    assert older in first
    second = client.get(f"/deliveries?{older.replace('&amp;', '&')}").content.decode()
    assert f"/deliveries/{rows[9]}" in second and f"/deliveries/{rows[10]}" not in second


@pytest.mark.parametrize(
    ("fields", "cause", "repair"),
    [
        ({"result": "rejected (signature)"}, "secret differs on the two sides", "rotate"),
        ({"result": "rejected (secret unavailable)"}, "No webhook secret is stored", "rotate"),
        ({"result": "rejected (parse)"}, "not one of the event", ""),
        ({"ending": "not connected", "external_id": "9"}, "No project is connected", "/repositories"),
        ({"ending": "given up"}, "Every attempt", ""),
    ],
)
def test_what_is_wrong_is_said_with_the_fix(
    team: Team, project: Project, fields: dict[str, str], cause: str, repair: str
) -> None:
    row = factories.delivery(project.connection, handled_at=timezone.now(), outcome="why", **fields)
    client = signed_in(team, "owner")
    page = client.get(f"/deliveries/{row.pk}").content.decode()
    assert cause in page and repair in page
    fix = team.call("owner", "GET", f"/deliveries/{row.pk}")[1]["fix"]
    assert fix and escape(fix) in client.get("/deliveries").content.decode()


def test_nobody_is_sent_to_choose_repositories_of_this_server(team: Team) -> None:
    connection = factories.connection(team.workspace)
    row = factories.delivery(connection, handled_at=timezone.now(), ending="not connected", external_id="9")
    page = signed_in(team, "owner").get(f"/deliveries/{row.pk}").content.decode()
    assert "No project is connected" in page and "/repositories" not in page


def test_an_event_of_a_repository_that_is_not_connected_names_it(
    site: DeliveringHere, team: Team, project: Project
) -> None:
    Project.objects.update(external_id="7")
    site.open_pull(SHOP, "feature", author="ann")
    handle()
    row = Delivery.objects.get()
    assert (row.ending, row.repository, row.number) == ("not connected", SHOP, 1)
    assert SHOP in row.outcome
    Project.objects.update(external_id=row.external_id)
    assert team.call("owner", "POST", f"/deliveries/{row.pk}/replay")[0] == 200
    handle()
    row.refresh_from_db()
    assert row.ending == "done" and Environment.objects.count() == 1


def test_a_replay_is_a_new_attempt_of_somebody_and_audited(team: Team, opened: Delivery) -> None:
    client = signed_in(team, "owner")
    PullRequest.objects.all().delete()
    answer = client.post(f"/deliveries/{opened.pk}/replay", follow=True)
    assert "It is handled again" in answer.content.decode() and "waiting" in answer.content.decode()
    assert intake.unhandled_since() > opened.received_at
    handle()
    opened.refresh_from_db()
    assert opened.handled_at and opened.attempts == 1
    owner = team.people["owner"].username
    assert list(Attempt.objects.values_list("failed", "by")) == [(False, ""), (False, owner)]
    assert PullRequest.objects.count() == 1
    entry = AuditEntry.objects.get(action="delivery.replay")
    assert (entry.actor, entry.target, entry.workspace) == (
        owner,
        f"delivery/{opened.pk}",
        team.workspace.pk,
    )
    assert owner in client.get(f"/deliveries/{opened.pk}").content.decode()


def test_a_replay_of_old_news_brings_nothing_back(site: DeliveringHere, team: Team, opened: Delivery) -> None:
    site.close_pull(SHOP, 1)
    handle()
    PullRequest.objects.update(changed_at=timezone.now())
    assert team.call("owner", "POST", f"/deliveries/{opened.pk}/replay")[0] == 200
    handle()
    assert PullRequest.objects.get().state == "closed"
    assert Environment.objects.get().state == "terminated"
    opened.refresh_from_db()
    assert "newer state" in opened.outcome


def test_every_attempt_that_failed_is_kept_and_a_replay_gets_as_many(
    team: Team, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "RETRY_SECONDS", -1.0)
    row = factories.delivery(project.connection, body=b"not json")
    handle()
    assert Attempt.objects.filter(failed=True).count() == worker.MAX_ATTEMPTS
    row.refresh_from_db()
    assert row.ending == "given up"
    team.call("owner", "POST", f"/deliveries/{row.pk}/replay")
    handle()
    assert Attempt.objects.filter(failed=True).count() == 2 * worker.MAX_ATTEMPTS


@pytest.mark.parametrize(
    "result", ["rejected (signature)", "rejected (secret unavailable)", "rejected (parse)"]
)
def test_a_rejected_one_cannot_be_replayed_and_it_is_said_why(
    team: Team, project: Project, result: str
) -> None:
    row = factories.delivery(project.connection, result=result, handled_at=timezone.now())
    status, answer = team.call("owner", "POST", f"/deliveries/{row.pk}/replay")
    assert (status, answer["error"]["code"]) == (409, "not_replayable")
    assert "only its beginning is kept" in answer["error"]["message"]
    client = signed_in(team, "owner")
    page = client.get(f"/deliveries/{row.pk}").content.decode()
    assert "It cannot be replayed" in page and f"/deliveries/{row.pk}/replay" not in page
    assert (
        "It cannot be replayed" in client.post(f"/deliveries/{row.pk}/replay", follow=True).content.decode()
    )
    handle()
    assert not Attempt.objects.exists() and not AuditEntry.objects.filter(action="delivery.replay").exists()


def test_one_that_waits_is_not_replayed(team: Team, project: Project) -> None:
    row = factories.delivery(project.connection)
    status, answer = team.call("owner", "POST", f"/deliveries/{row.pk}/replay")
    assert status == 409 and "about to be handled" in answer["error"]["message"]


@pytest.mark.parametrize("role", ["developer", "stranger"])
def test_the_wrong_person_finds_nothing(team: Team, project: Project, opened: Delivery, role: str) -> None:
    client = signed_in(team, role)
    link = project.connection_id
    for method, path in {
        "get": f"/deliveries/{opened.pk}",
        "post": f"/deliveries/{opened.pk}/replay",
    }.items():
        assert getattr(client, method)(path).status_code == 404, path
        assert team.call(role, method.upper(), path)[0] == 404, path
    assert client.get(f"/deliveries/{opened.pk}/stream").status_code == 404
    for method in ("get", "post"):
        assert getattr(client, method)(f"/connections/{link}/webhook").status_code == 404
    assert client.get(f"/connections/{link}/webhook/stream").status_code == 404
    assert team.call(role, "POST", f"/connections/{link}/test")[0] == 404
    assert team.call(role, "GET", "/deliveries")[1] == []
    assert team.call(role, "GET", f"/deliveries?connection={link}")[1] == []
    assert Attempt.objects.count() == 1 and not AuditEntry.objects.filter(action="delivery.replay").exists()


@pytest.mark.parametrize("body", [b"", b"\xff\x00<script>", b"[1]", b'{"repository": 7, "project": [1]}'])
def test_any_body_has_a_page(team: Team, project: Project, body: bytes) -> None:
    row = factories.delivery(
        project.connection, body=body, result="rejected (parse)", handled_at=timezone.now()
    )
    page = signed_in(team, "owner").get(f"/deliveries/{row.pk}")
    assert page.status_code == 200 and "<script>" not in page.content.decode()
    assert team.call("owner", "GET", f"/deliveries/{row.pk}")[1]["size"] == len(body)


def test_a_huge_payload_is_cut(team: Team, project: Project) -> None:
    row = factories.delivery(project.connection, body=json.dumps({"a": "é" * 400_000}).encode())
    whole: dict[str, Any] = team.call("owner", "GET", f"/deliveries/{row.pk}")[1]
    assert len(whole["payload"]) == 256 * 1024 and whole["size"] == len(row.body)
    page = signed_in(team, "owner").get(f"/deliveries/{row.pk}").content.decode()
    assert len(page) < 400_000 and "the first are shown" in page
