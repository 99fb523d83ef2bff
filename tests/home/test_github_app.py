"""A GitHub App is made in a real browser, which keeps to the page's own policy about where forms may go."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.conf import LazySettings

from seatrial.control.projects.models import Connection
from tests.factories import Cast
from tests.forges.hosts.github import GitHubSite
from tests.home.test_browser import signed_in
from tests.repositories import repository

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.chromium, pytest.mark.postgres]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_an_app_is_made_and_installed_with_one_button_here_and_two_there(
    served: str, browser: "Browser", settings: LazySettings, tmp_path: Path, scripts: bool
) -> None:
    settings.SITE_URL = served
    Cast()
    repository(tmp_path / "shop", {"a": "1"})
    site = GitHubSite(tmp_path / "github")
    site.person("ann")
    with site.serving():
        site.repository("acme/shop", tmp_path / "shop", admin="ann")
        page = browser.new_context(java_script_enabled=scripts).new_page()
        signed_in(page, served)
        page.goto(f"{served}/connections/github-app")
        page.fill("#create_base_url", site.url)
        page.click("text=Create at GitHub")
        if not scripts:
            page.click("text=Continue at GitHub")
        page.click("text=Create GitHub App")
        page.click("text=Install on all repositories")
        page.wait_for_url(f"{served}/connections/*/repositories")
        assert page.locator("text=acme/shop").count() == 1
        page.context.close()
    (app,) = site.apps.apps.values()
    row = Connection.objects.get()
    assert app.webhook.url == f"{served}/api/v1/webhooks/github/{row.pk}"
    assert [(one.event, one.status) for one in site.deliveries] == [("installation", 202)]
    assert site.complaints == []
