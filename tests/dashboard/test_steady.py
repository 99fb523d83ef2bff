"""A page is loaded again if a network that came or went interrupted it, and for no other reason."""

from typing import Any, cast

import pytest
from playwright.sync_api import Error, Page

from tests.dashboard.steady import steady


class Scripted:
    """Fails as often as there are `failures`."""

    def __init__(self, *failures: str) -> None:
        self.failures = list(failures)
        self.asked: list[str] = []

    def goto(self, url: str, **_: Any) -> str:
        self.asked.append(url)
        if self.failures:
            raise Error(self.failures.pop(0))
        return "loaded"


def test_a_network_that_changed_is_no_failure() -> None:
    page = Scripted("Page.goto: net::ERR_NETWORK_CHANGED at http://localhost/x")
    steady(cast(Page, page))
    assert page.goto("/x") == "loaded" and page.asked == ["/x", "/x"]


@pytest.mark.parametrize("failures", [["net::ERR_CONNECTION_REFUSED"], ["net::ERR_NETWORK_CHANGED"] * 2])
def test_anything_else_is(failures: list[str]) -> None:
    page = Scripted(*failures)
    steady(cast(Page, page))
    with pytest.raises(Error):
        page.goto("/x")
