"""Pages of deliveries change by themselves: what a replay leads to, and the test of a webhook that comes."""

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from seatrial.wire.envelope import new_id
from tests.dashboard.waiting import comes_true
from tests.home.test_browser import live_part_came, signed_in, watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.dashboard.harbour import Harbour

pytestmark = [pytest.mark.chromium, pytest.mark.postgres]


def test_what_comes_is_shown_without_reloading(served: str, busy: "Harbour", browser: "Browser") -> None:
    from seatrial.control.worker.deliveries import handle
    from tests import factories as make

    page, wrong = watched(browser, served)
    signed_in(page, served)
    link = busy.project.connection
    replayed = link.deliveries.filter(ending="not connected").get()
    replayed.event, replayed.body = "ping", b"{}"
    replayed.save()
    page.goto(f"{served}/deliveries/{replayed.pk}")
    comes_true(lambda: live_part_came(page))
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#live")).to_contain_text("waiting")
    expect(page.get_by_role("button", name="Replay")).to_be_hidden()
    comes_true(lambda: live_part_came(page))
    handle(replayed.pk)
    expect(page.locator("#live")).to_contain_text("nothing to do for this event")
    expect(page.get_by_role("button", name="Replay")).to_be_visible()

    page.goto(f"{served}/connections/{busy.hosted.pk}/webhook?after={new_id()}")
    expect(page.locator("h1")).to_have_text("The test is on its way")
    comes_true(lambda: live_part_came(page))
    make.delivery(busy.hosted, event="ping")
    expect(page.locator("h1")).to_have_text("The webhook works")
    assert wrong == []
    page.context.close()
