"""The main job on a code host: a GitHub App's pull request in, check runs, deployment, comment and a live URL out; closed:
nothing is left.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from e2e.connecting import nowhere_else
from e2e.platform import Platform, eventually
from e2e.repositories import commit, static
from seatrial.control.forges.github.needs import EVENTS, permissions
from tests.forges.hosts import happenings
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.site import Hosted, Pull

SHOP = "acme/shop"
pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.gvisor]


@pytest.fixture
def site(tmp_path: Path, authority: trustme.CA) -> Iterator[GitHubSite]:
    """With a certificate of the organisation's own authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    site = GitHubSite(tmp_path / "github")
    site.person("ann")
    with site.serving(context=context):
        yield site
    assert site.complaints == []


def test_from_connecting_to_the_last_trace(
    platform: Platform, site: GitHubSite, home: Path, tmp_path: Path
) -> None:
    source = static(home / "shop", "version one")
    hosted = site.repository(SHOP, source, admin="ann")
    with nowhere_else(platform, tmp_path):
        connect(platform, site, hosted, home / "app.pem")
        pull, url = first_version(platform, site)
    (comment,) = pull.comments

    commit(source, {"www/index.html": "version two"})
    site.push(SHOP, source, "feature")
    live(platform, pull.head)
    assert platform.fetch(url).text == "version two"
    eventually(lambda: pull.head[:10] in comment.body, what="the comment moved on")
    assert pull.comments == [comment]

    hosted.members["ann"] = "write"
    # Lines are a while on their way.
    eventually(
        lambda: "The last lines of the preview" in answered(site, pull), what="it shows what is logged"
    )
    assert pull.comments[0] is comment

    site.close_pull(SHOP, pull.number, merged=True)
    eventually(
        lambda: all(one["removed"] for one in environments(platform) if one["number"] == pull.number),
        what="the preview is removed",
    )
    eventually(
        lambda: {one["_states"][-1]["state"] for one in site.reports.deployments} == {"inactive"},
        what="the deployments are over",
    )
    fetched = [token for token, held in site.apps.tokens.items() if held.permissions == {"contents": "read"}]
    assert fetched and all(len(token) > 500 for token in site.apps.tokens)
    logs = logged(platform)
    assert not [token for token in site.apps.tokens if token in logs] and "PRIVATE KEY" not in logs


def connect(platform: Platform, site: GitHubSite, hosted: Hosted, key: Path) -> None:
    """A GitHub App of the code host, with its key in the file `key`, and the repository under trial."""
    app = site.apps.create("trial", permissions=permissions(), events=EVENTS)
    site.apps.install(app, hosted)
    key.write_text(app.pem)
    words = ["--url", site.url, "--name", site.url, "--app-id", str(app.id), "--key-file", str(key)]
    done = platform.run("connect", "github", *words)
    assert done.returncode == 0, done.stderr
    assert "as trial[bot]" in done.stdout and "PRIVATE KEY" not in done.stdout + done.stderr
    done = platform.run("projects", "add", SHOP, "--connection", site.url)
    assert done.returncode == 0, done.stderr
    eventually(lambda: app.webhook.url, what="the App's webhook is set")


def first_version(platform: Platform, site: GitHubSite) -> tuple[Pull, str]:
    """A pull request with all that it is told, and the address of its preview."""
    pull = site.open_pull(SHOP, "feature", author="ann", title="Add a cart")
    url = live(platform, pull.head)
    assert platform.fetch(url).text == "version one"
    eventually(lambda: done_with(site.reports.runs, pull.head), what="both check runs")
    assert url.startswith(site.reports.deployments[0]["_states"][-1]["environment_url"])
    (comment,) = pull.comments
    eventually(lambda: url in comment.body and "Policies: " in comment.body, what="the comment is complete")
    return pull, url


def answered(site: GitHubSite, pull: Pull) -> str:
    """The answer to `/preview logs`."""
    there = len(pull.comments)
    asked = happenings.comment(site, SHOP, pull.number, "ann", "/preview logs")
    eventually(lambda: asked.reactions, what="the command is acknowledged")
    eventually(lambda: len(pull.comments) == there + 2, what="and answered")
    return str(pull.comments[-1].body)


def logged(platform: Platform) -> str:
    """All that its processes have logged."""
    return "".join(file.read_text(errors="replace") for file in platform.directory.glob("logs/*.log"))


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


def done_with(runs: list[dict[str, Any]], head: str) -> bool:
    newest = {one["name"]: one["conclusion"] for one in runs if one["head_sha"] == head}
    return newest.get("seatrial/preview") == "success" and newest.get("seatrial/policies") in {
        "success",
        "failure",
    }
