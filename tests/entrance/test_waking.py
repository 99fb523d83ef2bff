"""Whoever may enter wakes what sleeps: browsers see a page that turns into the application, others wait for it."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from seatrial.control.entrance import waking
from seatrial.control.previews.models import Environment
from tests.entrance.visits import DOMAIN, asleep, basic, comes_up, knock, login, preview
from tests.entrance.walking import PAGE

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "headers",
    [{"User-Agent": "kube-probe/1.30"}, {"User-Agent": "Slackbot 1.0"}, {"Sec-Purpose": "prefetch", **PAGE}],
)
def test_who_only_looks_wakes_nothing_and_is_not_told_that_all_is_well(headers: dict[str, str]) -> None:
    scenario = asleep(preview())
    answer = knock(scenario.environment, **headers)
    assert (answer.status_code, answer["X-Galley-Sleeping"]) == (503, "1")
    assert scenario.environment.waking_since is None


def test_who_may_not_enter_does_not_wake_it() -> None:
    scenario = asleep(basic())
    assert knock(scenario.environment).status_code == 401
    assert knock(scenario.environment, Authorization=login("wrong password"), **PAGE).status_code == 401
    assert scenario.environment.waking_since is None
    looked = knock(scenario.environment, X_Galley_Look="1", Authorization=login())
    assert looked.status_code == 503 and scenario.environment.waking_since is None, "the page only looks"
    assert knock(scenario.environment, Authorization="Basic !", X_Galley_Look="1").status_code == 401


def test_a_browser_sees_how_far_it_is_and_a_service_that_is_up_is_not_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = asleep(preview())
    page = knock(scenario.environment, **PAGE)
    assert (page.status_code, page["X-Seatrial-Preview"]) == (503, "hibernating")
    assert page["X-Seatrial-Progress"] == "0 of 2 services up" and page["Retry-After"] == "5"
    monkeypatch.setattr(waking, "HOLD_SECONDS", 0.1)
    held = knock(scenario.environment)
    assert (held.status_code, held["Retry-After"], held["X-Galley-Sleeping"]) == (503, "5", "1")
    comes_up(scenario, api="unhealthy")
    assert knock(scenario.environment, **PAGE).status_code == 200
    assert knock(scenario.environment, label="api-pr-1-shop").status_code == 503
    Environment.objects.update(waking_since=timezone.now() - timedelta(minutes=2))
    failed = knock(scenario.environment, label="api-pr-1-shop", **PAGE)
    assert failed.status_code == 503 and b"api (unhealthy)" in failed.content
    comes_up(scenario)
    assert knock(scenario.environment, label="api-pr-1-shop").status_code == 200


def test_what_comes_up_elsewhere_is_asked_again_and_too_many_are_not_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = asleep(preview())
    monkeypatch.setattr(waking, "MOVED_SECONDS", 0)
    monkeypatch.setattr(waking.time, "sleep", lambda _: comes_up(scenario, port=81))
    answer = knock(scenario.environment, "/cart?x=1")
    assert (answer.status_code, answer["Location"]) == (307, f"http://pr-1-shop.{DOMAIN}/cart?x=1")
    asleep(scenario)
    monkeypatch.setattr(waking, "_held", threading.BoundedSemaphore(1))
    assert waking._held.acquire()
    assert knock(scenario.environment).status_code == 503
