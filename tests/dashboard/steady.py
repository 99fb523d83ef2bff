"""A browser on a machine whose networks come and go, because other tests make and remove those of containers."""

from typing import Any

from playwright.sync_api import Error, Page

CHANGED = "net::ERR_NETWORK_CHANGED"  # Chromium gives up what it was loading, whichever network it was


def steady(page: Page) -> None:
    """Have `page.goto` go again when it was only interrupted by that."""
    goto = page.goto

    def again(url: str, **options: Any) -> Any:
        try:
            return goto(url, **options)
        except Error as error:
            if CHANGED not in str(error):
                raise
            return goto(url, **options)

    page.goto = again  # type: ignore[method-assign]
