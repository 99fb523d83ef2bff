"""An environment's heading, title and buttons follow its state, and disturb nobody who uses them."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from playwright.sync_api import expect

from tests.dashboard.waiting import comes_true
from tests.home.test_browser import signed_in, watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.dashboard.harbour import Harbour

pytestmark = pytest.mark.postgres

# What a screen reader would read out by itself from now on.
LISTEN = """() => {
  window.said = [];
  const live = "[role=status], [role=alert], [aria-live=polite], [aria-live=assertive]";
  new MutationObserver((changes) => {
    for (const change of changes) {
      const target = change.target.nodeType === 1 ? change.target : change.target.parentElement;
      const added = [...change.addedNodes].filter((node) => node.nodeType === 1 && (node.matches(live) || node.querySelector(live)));
      const region = target?.closest(live) ?? added[0];
      if (region) window.said.push(region.textContent.trim());
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def opened(browser: "Browser", served: str, key: str) -> "tuple[Page, list[str]]":
    page, wrong = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/environments/{key}")
    comes_true(lambda: page.evaluate("window.messages") > 0)
    return page, wrong


def more_came(page: "Page") -> None:
    """The live part came twice more."""
    before = page.evaluate("window.messages")
    comes_true(lambda: page.evaluate("window.messages") >= before + 2)


@pytest.mark.chromium
@pytest.mark.parametrize("button", ["#rebuild", "#stop"])
def test_heading_title_state_and_buttons_change_together_under_a_focused_button(
    served: str, busy: "Harbour", browser: "Browser", button: str
) -> None:
    environment, candidate = busy.building, busy.building.candidate
    assert candidate is not None
    page, wrong = opened(browser, served, environment.pk)
    expect(page).to_have_title(f"{environment.name} · Building · Seatrial")
    page.focus(button)
    page.evaluate("window.held = document.activeElement")
    expect(page.locator("[data-away]")).to_be_visible()  # there is no bus here: that is said too
    page.evaluate(LISTEN)
    more_came(page)  # the bar of the phase that runs grows, and nothing else
    assert page.evaluate("window.said") == []

    environment.pull_request.title = "Weigh parcels in stones"
    environment.pull_request.save()
    candidate.phases.filter(seconds=None).update(seconds=9.5)
    candidate.state, candidate.services = "live", busy.live.services
    candidate.save()
    environment.state, environment.live, environment.candidate = "running", candidate, None
    environment.save()
    expect(page).to_have_title(f"{environment.name} · Running · Seatrial")
    expect(page.get_by_role("heading", level=1)).to_have_text("Weigh parcels in stones")
    expect(page.locator(".hero .badge.big")).to_have_text("Running")
    assert page.evaluate("document.activeElement === window.held")
    expect(page.locator(button)).to_be_focused()
    assert page.evaluate("window.said") == ["Running"]
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] button")  # it still does what it did
    assert wrong == []
    page.context.close()


@pytest.mark.chromium
def test_whoever_was_on_a_button_that_is_gone_is_at_the_heading(
    served: str, busy: "Harbour", browser: "Browser"
) -> None:
    page, _ = opened(browser, served, busy.failed.pk)
    page.focus("#stop")
    busy.failed.state = "terminated"
    busy.failed.save()
    expect(page.locator("#stop")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.locator("#rebuild")).to_have_count(1)
    busy.failed.pull_request.state = "closed"
    busy.failed.pull_request.save()
    expect(page.locator("#rebuild")).to_have_count(0)
    page.context.close()


@pytest.mark.chromium
def test_a_new_deployment_does_not_move_the_link_that_somebody_is_on(
    served: str, busy: "Harbour", browser: "Browser"
) -> None:
    from tests.factories import deployment

    deployment(busy.live, state="failed", reason="build_failed")
    page, _ = opened(browser, served, busy.live.pk)
    page.locator("#deployments a").last.focus()
    address = page.evaluate("document.activeElement.href")
    deployment(busy.live, state="building")
    expect(page.locator("#deployments tbody tr")).to_have_count(3)
    assert page.evaluate("document.activeElement.href") == address
    page.context.close()


def in_another_connection(work: Callable[[], object]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


def test_a_page_shows_one_moment_whatever_is_committed_while_it_is_made(
    busy: "Harbour", monkeypatch: pytest.MonkeyPatch
) -> None:
    from seatrial.control.previews.models import Environment
    from seatrial.control.previews.pages import environment as page

    def change() -> None:
        Environment.objects.filter(pk=busy.building.pk).update(state="running", candidate=None)
        busy.building.pull_request.evaluations.all().delete()

    def addresses(of: Environment) -> list[object]:
        in_another_connection(change)
        return []

    monkeypatch.setattr(page, "addresses", addresses)
    context = page.environment_context(busy.cast.alice, busy.building.pk)
    assert context["face"].word == "Building"
    assert context["wait"] is not None and context["evaluation"] is not None
    later = page.environment_context(busy.cast.alice, busy.building.pk)
    assert later["face"].word == "Running" and later["wait"] is None and later["evaluation"] is None
