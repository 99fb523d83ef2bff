"""Choosing repositories in a real browser: the list follows the typing, and what was picked stays picked."""

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.home.test_browser import signed_in, watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.dashboard.harbour import Harbour

pytestmark = [pytest.mark.chromium, pytest.mark.postgres]


def test_the_list_follows_the_typing_and_keeps_what_was_picked(
    served: str, busy: "Harbour", browser: "Browser"
) -> None:
    page, wrong = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/connections/{busy.hosted.pk}/repositories")
    with page.expect_response(lambda answer: answer.status == 204):
        page.get_by_label("harbour/beacons").check()
    page.reload()  # somebody left, and came back
    expect(page.get_by_label("harbour/beacons")).to_be_checked()
    search = page.get_by_label("Part of the name")
    search.press_sequentially("pier-5")
    expect(page.get_by_label("harbour/pier-50")).to_be_visible()
    expect(page.get_by_label("harbour/anchorage")).to_have_count(0)
    expect(search).to_be_focused()
    expect(page.get_by_label("harbour/beacons")).to_be_checked()
    everything = page.get_by_label("All that are shown")
    everything.check()
    expect(page.get_by_label("harbour/pier-59")).to_be_checked()
    page.get_by_label("harbour/pier-51").uncheck()
    expect(everything).not_to_be_checked()
    search.fill("anchor")
    expect(page.get_by_label("harbour/anchorage")).not_to_be_checked()
    expect(page.get_by_label("harbour/pier-59")).to_be_checked()
    expect(page.get_by_label("harbour/pier-51")).to_have_count(0)
    assert wrong == []
    page.context.close()


def test_a_removal_asks_in_a_dialog_that_can_be_left_by_keyboard(
    served: str, busy: "Harbour", browser: "Browser"
) -> None:
    page, wrong = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/projects/{busy.project.pk}/settings")
    page.get_by_role("link", name="Remove with all data").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("deleted for good")
    expect(dialog.get_by_role("link", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Remove with all data").click()
    dialog.get_by_label("to confirm").fill(busy.project.slug)
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("chandlery is being removed.")).to_be_visible()
    assert wrong == []
    page.context.close()
