"""Log lines in a real Chromium: whose they are, and that their end is followed for as long as somebody wants it."""

import re
import threading
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from django.db import connections
from playwright.sync_api import expect

from tests.bus.servers import NatsServer
from tests.dashboard.waiting import WAIT_SECONDS, comes_true
from tests.home.test_browser import signed_in, watched
from tests.home.test_streams import HIDE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.dashboard.harbour import Harbour

pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.chromium]

AT_END = """(() => { const box = document.querySelector('.lines');
  return box.scrollHeight > box.clientHeight && box.scrollHeight - box.scrollTop - box.clientHeight < 2; })()"""
# Once with the end of an earlier scrolling, told first; returns when the page has heard of all.
SCROLLED_BY_THE_BROWSER = """((earlier) => new Promise((heard) => {
  const box = document.querySelector('.lines');
  if (earlier) box.dispatchEvent(new Event('scrollend'));
  box.addEventListener('scroll', () => requestAnimationFrame(heard), {once: true});
  box.scrollTop -= 40;
}))"""
FROM_TOP = "document.querySelector('.lines').scrollTop"


def opened(browser: "Browser", served: str, key: str) -> "tuple[Page, list[str]]":
    """The page of an environment, at its logs."""
    page, wrong = watched(browser, served, viewport={"width": 1280, "height": 800})
    signed_in(page, served)
    page.goto(f"{served}/environments/{key}")
    page.locator(".lines").scroll_into_view_if_needed()
    return page, wrong


def test_lines_stand_under_the_heading_of_their_deployment(
    bus: NatsServer, served: str, busy: "Harbour", browser: "Browser"
) -> None:
    from tests.dashboard.lines import say
    from tests.factories import deployment

    environment, old = busy.live, busy.live.live
    assert old is not None
    new = deployment(environment, state="building", commit="b" * 40)
    environment.candidate = new
    environment.save()
    say(environment, "web", "building the new one", source="build")
    say(environment, "web", "the old one still answers", of=old)
    say(environment, "web", "the new one is built", source="build")
    page, wrong = opened(browser, served, environment.pk)
    expect(page.locator(".line")).to_have_count(3)
    told = [re.sub(r"\s+", " ", text) for text in page.locator(".lines > section").all_inner_texts()]
    assert re.match(rf"Deployment of ?{old.commit[:10]} ?Live ?began .* the old one still answers$", told[0])
    assert re.match(rf"Deployment of ?{'b' * 10} ?Building ?began .* one .* the new one is built$", told[1])
    for commit in (old.commit[:10], "b" * 10):
        heading = page.get_by_role("heading", level=3, name=f"Deployment of {commit}")
        expect(heading).to_have_count(1)

    old.state, new.state, environment.live, environment.candidate = "superseded", "live", new, None
    for row in (old, new, environment):
        row.save()
    expect(page.locator(".divider >> nth=0")).to_contain_text("Superseded")
    expect(page.locator(".divider >> nth=1")).to_contain_text("Live")
    page.fill("input[type=search]", "still answers")
    expect(page.locator(".divider:visible")).to_have_count(1)
    assert wrong == []
    page.context.close()


def test_the_end_is_followed_through_ten_thousand_lines(
    bus: NatsServer, served: str, busy: "Harbour", browser: "Browser"
) -> None:
    from tests.dashboard.lines import pour, say

    say(busy.live, "api", "first")
    page, wrong = opened(browser, served, busy.live.pk)
    expect(page.locator(".line")).to_have_count(1)

    def ten_thousand() -> None:
        try:
            pour(busy.live, "web", 10_000, every_seconds=0.01)
        finally:
            connections.close_all()  # this thread's own

    pouring = threading.Thread(target=ten_thousand)
    pouring.start()
    comes_true(lambda: page.locator(".line").count() > 500)
    for chip in ("web", "All"):  # the page can be used meanwhile
        page.click(f".chip:has-text('{chip}')")
        expect(page.locator(".chip[aria-pressed=true]")).to_have_text(chip)
    expect(page.locator(".line").last).to_contain_text("poured 9999")
    pouring.join(WAIT_SECONDS)
    comes_true(lambda: page.evaluate(AT_END))
    expect(page.locator("[data-follow]")).to_be_checked()
    assert page.locator(".line").count() == 5_000
    status = page.locator("[data-status]")
    expect(status).to_have_text("the newest 5,000 lines; older ones are in the download")

    page.set_viewport_size({"width": 360, "height": 740})  # the same lines are longer now
    comes_true(lambda: page.evaluate(AT_END))
    page.hover(".lines")
    page.mouse.wheel(0, -600)
    expect(page.locator("[data-follow]")).not_to_be_checked()
    left_at = page.evaluate(FROM_TOP)
    say(busy.live, "web", "somewhere below")
    expect(page.locator(".line").last).to_contain_text("somewhere below")
    assert page.evaluate(FROM_TOP) <= left_at
    page.check("[data-follow]")
    comes_true(lambda: page.evaluate(AT_END))

    page.focus(".lines")
    page.keyboard.press("PageUp")
    expect(page.locator("[data-follow]")).not_to_be_checked()
    page.keyboard.press("End")
    expect(page.locator("[data-follow]")).to_be_checked()
    say(busy.live, "web", "the last one")
    expect(page.locator(".line").last).to_contain_text("the last one")
    comes_true(lambda: page.evaluate(AT_END))
    assert wrong == []
    page.context.close()


def test_end_holds_until_somebody_does_something_else(
    bus: NatsServer, served: str, busy: "Harbour", browser: "Browser"
) -> None:
    from tests.dashboard.lines import say

    say(busy.live, "web", *(f"line {number}" for number in range(300)))
    page, wrong = opened(browser, served, busy.live.pk)
    expect(page.locator(".line")).to_have_count(300)
    follow = page.locator("[data-follow]")
    page.focus(".lines")
    page.keyboard.press("End")
    page.evaluate(f"{SCROLLED_BY_THE_BROWSER}(true)")  # what a page up before End may still cause
    assert follow.is_checked()
    assert page.evaluate(AT_END)
    page.evaluate("document.querySelector('.lines').blur()")  # to find something in the page, say
    page.evaluate(f"{SCROLLED_BY_THE_BROWSER}(false)")
    assert not follow.is_checked()
    assert not page.evaluate(AT_END)

    page.focus(".lines")
    for key in ("Shift+Space", "PageUp", "ArrowUp", "Home"):
        page.keyboard.press("End")
        expect(follow).to_be_checked()
        comes_true(lambda: page.evaluate(AT_END))
        page.keyboard.press(key)
        expect(follow).not_to_be_checked()  # whether a busy browser has scrolled by then, it does not say
    assert wrong == []
    page.context.close()


def test_whoever_reads_further_up_stays_there_when_the_tab_is_shown_again(
    bus: NatsServer, served: str, busy: "Harbour", browser: "Browser"
) -> None:
    from tests.dashboard.lines import say

    say(busy.live, "web", *(f"line {number}" for number in range(300)))
    page, _ = opened(browser, served, busy.live.pk)
    page.add_init_script(HIDE.replace("AWAY", "false"))
    page.reload()
    expect(page.locator(".line")).to_have_count(300)
    page.hover(".lines")
    page.mouse.wheel(0, -1500)
    expect(page.locator("[data-follow]")).not_to_be_checked()
    left_at = page.evaluate(FROM_TOP)
    connections = page.evaluate("window.connections")
    page.evaluate("window.show(false)")
    page.evaluate("document.querySelectorAll('.line').forEach((line) => { line.dataset.old = 'yes'; })")
    page.evaluate("window.show(true)")
    comes_true(lambda: page.evaluate("window.connections") > connections)
    expect(page.locator(".line:not([data-old])")).to_have_count(300)
    comes_true(lambda: page.evaluate(FROM_TOP) == left_at)
    expect(page.locator("[data-follow]")).not_to_be_checked()
    page.context.close()


def test_times_are_told_in_utc_wherever_the_agent_is(
    bus: NatsServer, served: str, busy: "Harbour", browser: "Browser"
) -> None:
    from tests.dashboard.lines import say

    east = timezone(timedelta(hours=5, minutes=30))
    say(busy.live, "web", "at noon here", at=datetime(2026, 3, 1, 12, 0, tzinfo=east))
    page, _ = opened(browser, served, busy.live.pk)
    expect(page.locator(".line .at")).to_have_text("06:30:00")
    expect(page.locator("main")).to_contain_text("times in UTC")
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator(".line .at")).to_be_visible()
    page.context.close()
