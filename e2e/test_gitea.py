"""The main job on a Forgejo: a pull request in; statuses, comment and a live URL out."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from e2e.platform import Platform, eventually
from e2e.repositories import static
from tests.forges.hosts.gitea import ForgejoSite
from tests.forges.hosts.site import Status

SHOP, BOT = "acme/shop", "seatrial-bot"
pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.gvisor]


@pytest.fixture
def site(tmp_path: Path, authority: trustme.CA) -> Iterator[ForgejoSite]:
    """With a certificate of the organisation's own authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    site = ForgejoSite(tmp_path / "forgejo")
    for login in (BOT, "ann"):
        site.person(login)
    with site.serving(context=context):
        yield site
    assert site.complaints == []


def test_from_a_pull_request_to_its_preview(platform: Platform, site: ForgejoSite, home: Path) -> None:
    hosted = site.repository(SHOP, static(home / "shop", "from Forgejo"), admin=BOT)
    token, name = site.people[BOT].token, f"forgejo {site.url}"
    done = platform.run("connect", "gitea", "--url", site.url, "--name", name, given=token)
    assert done.returncode == 0 and token not in done.stdout + done.stderr, done.stderr
    done = platform.run("projects", "add", SHOP, "--connection", name)
    assert done.returncode == 0, done.stderr
    eventually(lambda: hosted.webhooks, what="the webhook is registered")

    pull = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    eventually(lambda: done_with(hosted.statuses, pull.head), what="both statuses")
    url = next(one.url for one in reversed(hosted.statuses) if one.context == "seatrial/preview")
    assert platform.fetch(url).text == "from Forgejo"
    (comment,) = pull.comments
    eventually(lambda: url in comment.body and "Policies: " in comment.body, what="the comment is complete")

    site.close_pull(SHOP, pull.number, merged=True)
    (project,) = [one for one in platform.api("/projects") if one["forge"] == "gitea"]
    eventually(
        lambda: all(
            one["removed"] for one in platform.api("/environments") if one["project"] == project["id"]
        ),
        what="the preview is removed",
    )
    logs = "".join(file.read_text(errors="replace") for file in platform.directory.glob("logs/*.log"))
    assert token not in logs


def done_with(statuses: list[Status], head: str) -> bool:
    newest = {one.context: one.state for one in statuses if one.sha == head}
    return newest.get("seatrial/preview") == "success" and newest.get("seatrial/policies") in {
        "success",
        "failure",
    }
