"""The main job on a code host: GitHub's pull request in, statuses, comment and a live URL out; closed: nothing is left."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from e2e.platform import Platform, eventually
from e2e.repositories import commit, git, static
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.site import Status

SHOP, BOT = "acme/shop", "seatrial-bot"
pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.gvisor]


@pytest.fixture
def site(tmp_path: Path, authority: trustme.CA) -> Iterator[GitHubSite]:
    """With a certificate of the organisation's own authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    site = GitHubSite(tmp_path / "github")
    for login in (BOT, "ann"):
        site.person(login)
    with site.serving(context=context):
        yield site
    assert site.complaints == []


@pytest.mark.usefixtures("nowhere_else")
def test_from_connecting_to_the_last_trace(platform: Platform, site: GitHubSite, home: Path) -> None:
    source = static(home / "shop", "version one")
    hosted = site.repository(SHOP, source, admin=BOT)
    token = site.people[BOT].token
    done = platform.run("connect", "github", "--url", site.url, given=token)
    assert done.returncode == 0, done.stderr
    assert "as seatrial-bot" in done.stdout and token not in done.stdout + done.stderr
    done = platform.run("projects", "add", SHOP)
    assert done.returncode == 0, done.stderr
    eventually(lambda: hosted.webhooks, what="the webhook is registered")

    pull = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    url = live(platform, pull.head)
    assert platform.fetch(url).text == "version one"
    eventually(lambda: done_with(hosted.statuses, pull.head), what="both statuses")
    (comment,) = pull.comments
    eventually(lambda: url in comment.body and "Policies: " in comment.body, what="the comment is complete")

    commit(source, {"www/index.html": "version two"})
    site.push(SHOP, source, "feature")
    live(platform, pull.head)
    assert platform.fetch(url).text == "version two"
    eventually(lambda: pull.head[:10] in comment.body, what="the comment moved on")
    assert pull.comments == [comment]

    site.close_pull(SHOP, pull.number, merged=True)
    eventually(
        lambda: all(one["removed"] for one in environments(platform) if one["number"] == pull.number),
        what="the preview is removed",
    )
    logs = "".join(file.read_text(errors="replace") for file in platform.directory.glob("logs/*.log"))
    assert token not in logs and git(source, "rev-parse", "feature") == pull.head


def live(platform: Platform, head: str) -> str:
    """The address of the preview once it serves `head`."""
    environment = eventually(
        lambda: next((one for one in environments(platform) if one["live_commit"] == head), None),
        what=f"{head[:10]} is live",
    )
    return str(next(iter(environment["urls"].values())))


def environments(platform: Platform) -> list[dict[str, object]]:
    (project,) = [one for one in platform.api("/projects") if one["forge"] == "github"]
    return [one for one in platform.api("/environments") if one["project"] == project["id"]]


def done_with(statuses: list[Status], head: str) -> bool:
    newest = {one.context: one.state for one in statuses if one.sha == head}
    return newest.get("seatrial/preview") == "success" and newest.get("seatrial/policies") in {
        "success",
        "failure",
    }
