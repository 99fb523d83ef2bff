"""A live page is never a frozen one: what ends its stream, and what brings it back."""

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.dashboard.server import cookies_of
from tests.dashboard.waiting import WAIT_SECONDS, comes_true, ends, until_told
from tests.home.test_browser import live_part_came, sign_in, watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.dashboard.harbour import Harbour

pytestmark = pytest.mark.postgres

HIDE = """
window.away = AWAY;
Object.defineProperty(document, 'hidden', {get: () => window.away});
window.show = (shown) => { window.away = !shown; document.dispatchEvent(new Event('visibilitychange')); };
window.connections = 0;
document.addEventListener('htmx:sse:after:connection', () => { window.connections += 1; });
"""


class FailsOnce:
    """In place of a fingerprint: the first call after `now` was set fails."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self.real = real
        self.now, self.failed = threading.Event(), threading.Event()

    def __call__(self, *arguments: Any) -> Any:
        if self.now.is_set() and not self.failed.is_set():
            self.failed.set()
            raise RuntimeError("the database is away")
        return self.real(*arguments)


@pytest.mark.chromium
def test_a_poll_that_fails_once_does_not_freeze_the_page(
    served: str, busy: "Harbour", browser: "Browser", monkeypatch: pytest.MonkeyPatch
) -> None:
    from seatrial.control.home.overview import fingerprint

    poll = FailsOnce(fingerprint)
    monkeypatch.setattr("seatrial.control.home.pages.fingerprint", poll)
    page, _ = watched(browser, served)
    sign_in(page, served)
    comes_true(lambda: live_part_came(page))
    poll.now.set()
    assert poll.failed.wait(WAIT_SECONDS)
    busy.building.pull_request.title = "Weigh parcels in stones"
    busy.building.pull_request.save()
    busy.building.save()
    expect(page.locator("#live")).to_contain_text("Weigh parcels in stones")
    page.context.close()


@pytest.mark.chromium
def test_a_page_without_its_stream_says_so_until_it_is_back(
    served: str, busy: "Harbour", browser: "Browser", monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.sessions.models import Session

    from seatrial.control.home.overview import fingerprint

    poll = FailsOnce(fingerprint)
    monkeypatch.setattr("seatrial.control.home.pages.fingerprint", poll)
    page, _ = watched(browser, served)
    sign_in(page, served)
    stale = page.locator("#stale")
    comes_true(lambda: live_part_came(page))
    expect(stale).to_be_hidden()
    page.route("**/stream", lambda route: route.abort())
    poll.now.set()
    expect(stale).to_contain_text("Live updates are interrupted")
    page.unroute("**/stream")
    expect(stale).to_be_hidden()
    Session.objects.all().delete()
    expect(stale).to_contain_text("You are signed out")
    page.context.close()


def ends_after(stream: httpx.Response, change: Callable[[], object]) -> None:
    parts = stream.iter_text()
    until_told(parts)
    change()
    ends(parts)


def test_a_stream_ends_when_its_watcher_signs_out(served: str, busy: "Harbour") -> None:
    from django.contrib.sessions.models import Session

    with (
        contextlib.closing(cookies_of(served, "bob")) as bob,
        bob.stream("GET", f"/projects/{busy.project.pk}/stream") as stream,
    ):
        ends_after(stream, Session.objects.all().delete)


def test_a_stream_ends_when_its_watcher_may_not_sign_in_any_more(served: str, busy: "Harbour") -> None:
    from seatrial.control.accounts.models import User

    with contextlib.closing(cookies_of(served, "bob")) as bob, bob.stream("GET", "/stream") as stream:
        ends_after(stream, lambda: User.objects.filter(pk=busy.cast.bob.pk).update(is_active=False))


def test_a_former_admin_sees_less(served: str, busy: "Harbour") -> None:
    busy.cast.bob.memberships.all().delete()
    busy.cast.bob.is_superuser = True
    busy.cast.bob.save()
    path = f"/environments/{busy.live.pk}/stream"
    with contextlib.closing(cookies_of(served, "bob")) as bob, bob.stream("GET", path) as stream:
        busy.cast.bob.is_superuser = False
        ends_after(stream, busy.cast.bob.save)


def open_streams() -> set[Any]:
    """Of this process: also those that the server of an earlier test was ended with."""
    from seatrial.control.dashboard.apps import dashboard

    return set(dashboard()._open)


def test_a_watcher_who_leaves_in_the_middle_of_a_poll_leaves_nothing_behind(
    served: str, busy: "Harbour", monkeypatch: pytest.MonkeyPatch
) -> None:
    polling, left = threading.Event(), threading.Event()

    def slow(*_: object) -> int:
        polling.set()
        left.wait(WAIT_SECONDS)
        return 1

    monkeypatch.setattr("seatrial.control.home.pages.fingerprint", slow)
    before = open_streams()
    with contextlib.closing(cookies_of(served, "bob")) as bob, bob.stream("GET", "/stream") as stream:
        parts = stream.iter_raw()  # kept: the connection is closed with it
        next(parts)
        assert polling.wait(WAIT_SECONDS)
        assert open_streams() - before
    left.set()
    comes_true(lambda: open_streams() <= before)


@pytest.mark.chromium
@pytest.mark.parametrize("opened", ["shown", "hidden"])
def test_a_hidden_tab_gives_its_connection_back_and_is_current_when_it_is_shown(
    served: str, busy: "Harbour", browser: "Browser", opened: str
) -> None:
    before = open_streams()
    page, wrong = watched(browser, served)
    sign_in(page, served)
    page.add_init_script(HIDE.replace("AWAY", "true" if opened == "hidden" else "false"))
    page.goto(served)
    comes_true(lambda: page.evaluate("window.connections") == 1)
    if opened == "shown":
        page.evaluate("window.show(false)")
    comes_true(lambda: open_streams() <= before)
    busy.building.pull_request.title = "Weigh parcels in stones"
    busy.building.pull_request.save()
    busy.building.save()
    page.wait_for_timeout(2_000)
    assert page.evaluate("window.connections") == 1
    assert "Weigh parcels in stones" not in page.inner_text("#live")
    page.evaluate("window.show(true)")
    expect(page.locator("#live")).to_contain_text("Weigh parcels in stones")
    assert wrong == []
    page.context.close()
