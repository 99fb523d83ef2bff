"""Wherever a page shows something that does not go on, it says what it waits for, and for how long."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts.models import Membership
from seatrial.control.fleet.models import Agent
from seatrial.control.home.overview import fingerprint
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.pages.environment import environment_fingerprint
from tests import factories as make
from tests.dashboard.harbour import Harbour

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
LONG = timedelta(minutes=2, seconds=10)


def text(harbour: Harbour, path: str) -> str:
    client = Client()
    client.force_login(harbour.cast.bob)
    page = client.get(path).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page.split("<main", 1)[1]))


def pages_of(environment: Environment) -> list[str]:
    return ["/", f"/projects/{environment.project_id}", f"/environments/{environment.pk}"]


def offline() -> None:
    Agent.objects.filter(name="dock-1").update(state="offline", last_heartbeat_at=timezone.now() - LONG)


def test_a_preview_that_is_built_names_its_agent_and_its_phase(harbour: Harbour) -> None:
    for path in pages_of(harbour.building):
        assert re.search(r"Waits for agent dock-1: build web · for \d+ seconds", text(harbour, path)), path


def test_an_agent_that_is_away_is_named_with_how_long(harbour: Harbour) -> None:
    offline()
    for path in pages_of(harbour.building):
        assert "Waits for agent dock-1, which is offline · for 2 minutes" in text(harbour, path), path


def test_an_update_of_a_preview_that_runs_is_waited_for_too(harbour: Harbour) -> None:
    harbour.live.candidate = make.deployment(harbour.live)
    harbour.live.save()
    Deployment.objects.filter(pk=harbour.live.candidate.pk).update(created_at=timezone.now() - LONG)
    for path in pages_of(harbour.live):
        assert "Waits for agent dock-1 to begin · for 2 minutes" in text(harbour, path), path


def test_a_deployment_without_an_agent_says_since_when(harbour: Harbour) -> None:
    candidate = harbour.building.candidate
    assert candidate is not None
    Deployment.objects.filter(pk=candidate.pk).update(
        agent=None, state="queued", waits_for="an agent: none is online", created_at=timezone.now() - LONG
    )  # fmt: skip
    for path in pages_of(harbour.building)[:2]:
        assert "Waits for an agent: none is online · for 2 minutes" in text(harbour, path), path
    page = text(harbour, pages_of(harbour.building)[2])
    assert "Waiting for an agent for 2 minutes" in page
    assert page.count("Waits for an agent: none is online") == 1


def test_a_removal_names_who_has_to_do_it(harbour: Harbour) -> None:
    offline()
    make.placement(harbour.stopped, Agent.objects.get(name="dock-1"), leaving_since=timezone.now())
    said = "Waits for agent dock-1, which is offline, to remove it · for 2 minutes"
    for path in pages_of(harbour.stopped):
        assert said in text(harbour, path), path
    harbour.stopped.pull_request.state = "closed"
    harbour.stopped.pull_request.save()
    assert said in text(harbour, f"/projects/{harbour.project.pk}")


def test_a_check_that_has_not_begun_says_so_on_every_page_of_it(harbour: Harbour) -> None:
    since = timezone.now() - LONG
    pull = harbour.live.pull_request
    check = make.evaluation(pull, state="queued", queued_at=since)
    for path in ("/", f"/projects/{harbour.project.pk}"):
        assert "Its check waits for an agent to take it · for 2 minutes" in text(harbour, path), path
    for path in (f"/evaluations/{check.pk}", f"/environments/{harbour.live.pk}"):
        assert "Waits for an agent to take it · for 2 minutes" in text(harbour, path), path
    Evaluation.objects.filter(pk=check.pk).update(
        queued_at=None, waits_for="the forge's facts about the repository (it is away)", created_at=since
    )  # fmt: skip
    page = text(harbour, f"/evaluations/{check.pk}")
    assert "It has not begun for 2 minutes" in page and page.count("the forge&#x27;s facts") == 1
    Evaluation.objects.filter(pk=check.pk).update(pull_request=None)
    said = "Waits for the forge&#x27;s facts about the repository (it is away) · for 2 minutes"
    assert said in text(harbour, f"/projects/{harbour.project.pk}")


CHANGES: dict[str, Callable[[Harbour], object]] = {
    "title": lambda of: of.building.pull_request.__class__.objects.update(title="Another"),
    "closed": lambda of: of.building.pull_request.__class__.objects.update(state="closed"),
    "role": lambda of: Membership.objects.filter(user=of.cast.bob).update(role="developer"),
    "silent agent": lambda of: offline(),
    "message": lambda of: Deployment.objects.filter(state="building").update(waits_for="x"),
    "facts": lambda of: Evaluation.objects.filter(state="running").update(state="queued"),
    "removed": lambda of: Environment.objects.update(removed_at=timezone.now()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_open_environment_page_changes_with_whatever_it_shows(
    harbour: Harbour, change: Callable[[Harbour], object]
) -> None:
    def seen() -> object:
        found = environment_fingerprint(harbour.cast.bob, harbour.building.pk)
        assert isinstance(found, tuple)
        return found[:-1]  # without what changes every second

    before = seen()
    assert before == seen()
    change(harbour)
    assert seen() != before


def test_open_overviews_change_with_what_is_waited_for(harbour: Harbour) -> None:
    def seen() -> list[object]:
        return [fingerprint(harbour.cast.bob), fingerprint(harbour.cast.bob, harbour.project.pk)]

    before = seen()
    Agent.objects.filter(name="dock-1").update(last_heartbeat_at=timezone.now() - LONG)
    silent = seen()
    assert all(one != other for one, other in zip(before, silent, strict=True))
    check = make.evaluation(harbour.live.pull_request, state="queued")
    queued = seen()
    Evaluation.objects.filter(pk=check.pk).update(waits_for="the forge")
    assert all(one != other for one, other in zip(queued, seen(), strict=True))
