"""The main job on GitLab: a merge request of a project in a sub-group in; statuses, comment and a live URL out."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import Page, expect

from e2e.platform import Platform, eventually
from e2e.repositories import static
from e2e.test_gitea import done_with
from tests.forges.hosts.gitlab import GitLabSite

SHOP, BOT = "acme/web/shop", "seatrial-bot"
pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.gvisor]


@pytest.fixture
def site(tmp_path: Path, authority: trustme.CA) -> Iterator[GitLabSite]:
    """With a certificate of the organisation's own authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    site = GitLabSite(tmp_path / "gitlab")
    for login in (BOT, "ann"):
        site.person(login)
    with site.serving(context=context):
        yield site
    assert site.complaints == []


def test_from_a_merge_request_to_its_preview(platform: Platform, site: GitLabSite, home: Path) -> None:
    hosted = site.repository(SHOP, static(home / "shop", "from GitLab"), admin=BOT)
    token = site.people[BOT].token
    name = f"gitlab {site.url}"
    done = platform.run("connect", "gitlab", "--url", site.url, "--name", name, given=token)
    assert done.returncode == 0 and token not in done.stdout + done.stderr, done.stderr
    done = platform.run("projects", "add", SHOP, "--connection", name)
    assert done.returncode == 0, done.stderr
    eventually(lambda: site.signing, what="the webhook is registered, and signs")

    pull = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    pipeline = site.start_pipeline(hosted, pull)
    eventually(lambda: done_with(hosted.statuses, pull.head), what="both statuses")
    assert {job.name for job in pipeline.jobs} >= {"seatrial/policies", "seatrial/preview"}
    url = next(job.url for job in pipeline.jobs if job.name == "seatrial/preview" and not job.retried)
    assert platform.fetch(url).text == "from GitLab"
    (comment,) = pull.comments
    eventually(lambda: url in comment.body and "Policies: " in comment.body, what="the comment is complete")

    site.close_pull(SHOP, pull.number, merged=True)
    (project,) = [one for one in platform.api("/projects") if one["forge"] == "gitlab"]
    eventually(
        lambda: all(
            one["removed"] for one in platform.api("/environments") if one["project"] == project["id"]
        ),
        what="the preview is removed",
    )
    logs = "".join(file.read_text(errors="replace") for file in platform.directory.glob("logs/*.log"))
    assert token not in logs


@pytest.mark.chromium
def test_a_connection_is_authorized_in_a_browser(
    platform: Platform, site: GitLabSite, home: Path, page: Page
) -> None:
    site.repository(SHOP, static(home / "shop"), admin=BOT)
    application = site.application(f"http://localhost:{platform.port}/connections/authorized")
    page.goto("/connections/new/gitlab")
    form = page.locator("form", has=page.get_by_role("button", name="Authorize with GitLab"))
    expect(form).to_contain_text(application.redirect_uri)
    form.get_by_label("Address").fill(site.url)
    form.get_by_label("Application ID").fill(application.client_id)
    form.get_by_label("Secret").fill(application.secret)
    form.get_by_role("button", name="Authorize with GitLab").click()

    page.get_by_role("button", name=f"as {BOT}").click()  # at the code host

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Connected as {BOT}")
    expect(page.locator("main")).to_contain_text("authorized by admin")
    page.get_by_role("link", name="Choose repositories").click()
    page.get_by_role("checkbox", name=SHOP).check()
    page.get_by_role("button", name="Put under trial").click()
    expect(page.locator("main")).to_contain_text(SHOP)
    expect(page.get_by_role("heading", level=1)).to_have_text("Open a pull request to see a preview")
    eventually(lambda: site.signing, what="the webhook is registered with the authorization")
    secrets = [application.secret, *(text for one in site.grants for text in (one.access, one.refresh))]
    logs = "".join(file.read_text(errors="replace") for file in platform.directory.glob("logs/*.log"))
    assert not [one for one in secrets if one in page.content() + logs]
