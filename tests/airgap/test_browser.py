"""On the way to a code host whose authority a browser does not know, it says so itself: nothing of ours can mend that."""

from typing import TYPE_CHECKING

import pytest

from tests.airgap.authorities import Made, of_server
from tests.airgap.conftest import as_gitlab, serving
from tests.dashboard.fixtures import browser
from tests.waiting import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser"]

pytestmark = [pytest.mark.chromium, pytest.mark.slow]


def went(page: "Page", url: str) -> str:
    """How going there ended: a status, or the browser's word for a certificate. Networks that the engine makes meanwhile, and a
    machine that is busy, end a visit, too: empty then."""
    from playwright.sync_api import Error

    try:
        answer = page.goto(url)
    except Error as error:
        return str(error) if "ERR_CERT" in str(error) else ""
    return str(answer.status if answer else 0)


def test_a_browser_that_does_not_know_the_authority_says_so(browser: "Browser", root: Made) -> None:
    with serving(of_server(root), as_gitlab) as url:
        stranger, trusting = browser.new_page(), browser.new_page(ignore_https_errors=True)
        assert "ERR_CERT_AUTHORITY_INVALID" in eventually(lambda: went(stranger, url), what="it is decided")
        assert eventually(lambda: went(trusting, url), what="it is there") == "401"
        stranger.close()
        trusting.close()
