"""A GitHub App's side of the protocol, against a GitHub that verifies JWTs, and whose tokens end and are narrowed."""

import json
import logging
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seatrial.control.forges.errors import ForgeError, Limited, Moved, UnfitConnection
from seatrial.control.forges.github.app import app_of, private_key
from seatrial.control.forges.github.app_forge import GitHubAppForge
from seatrial.control.forges.github.checks import BUTTONS
from seatrial.control.forges.github.forge import GitHubForge
from seatrial.control.forges.github.installations import NotInstalled
from seatrial.control.forges.github.needs import EVENTS, TOLD_WITH, permissions
from seatrial.control.forges.github.registration import bind
from seatrial.control.forges.http.budget import Standing, Whose
from seatrial.control.forges.http.meters import Local
from seatrial.control.forges.protocol import TriesWebhooks
from seatrial.control.projects.models import Project
from tests.forges.app_stage import (
    DOCS,
    SHA,
    SHOP,
    app,
    connected,
    forge,
    installation,
    made_tokens,
    project,
    project_of,
    site,
    source,
)
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.github_apps import App, Installation, key, pem_of
from tests.forges.hosts.site import Hosted

HOOK = "https://seatrial.test/api/v1/webhooks/github/1"


__all__ = ["app", "forge", "installation", "project", "site", "source"]  # fixtures


# the manifest


def test_the_app_asks_for_the_least_that_it_needs() -> None:
    assert permissions() == {
        "checks": "write",
        "contents": "read",
        "deployments": "write",
        "issues": "read",
        "metadata": "read",
        "pull_requests": "write",
        **({"merge_queues": "read"} if "merge_group" in EVENTS else {}),
    }
    assert set(EVENTS) <= set(TOLD_WITH)
    assert {TOLD_WITH[event] for event in EVENTS} <= set(permissions())


def test_buttons_fit() -> None:
    for one in BUTTONS.values():
        assert len(one.label) <= 20 and len(one.description) <= 40 and len(one.identifier) <= 20


# signing in


def test_a_token_is_a_token_and_an_app_an_app(site: GitHubSite, app: App) -> None:
    assert app_of("ghp_token") is None and app_of("ghs_1_" + "x" * 520) is None
    plain = connected(site, app)
    plain.credential = "ghp_token"
    assert type(bind(plain)) is GitHubForge
    with pytest.raises(ForgeError, match="Connect it again") as caught:
        app_of('{"app_id": 1, "private_key": "secret-key"}')
    assert "secret-key" not in str(caught.value)


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "secret",
        "-----BEGIN RSA PRIVATE KEY-----\nsecret\n-----END RSA PRIVATE KEY-----",
        "\x00",
        "é" * 100,
    ],
)
def test_what_is_no_key_is_refused_and_not_repeated(pasted: str) -> None:
    with pytest.raises(UnfitConnection, match=r"Paste all of the \.pem file") as caught:
        private_key(pasted)
    assert caught.value.__cause__ is None and "secret" not in str(caught.value)


def test_a_key_of_another_kind_is_refused() -> None:
    made = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519"], capture_output=True, text=True, check=True
    )
    with pytest.raises(UnfitConnection, match="RSA"):
        private_key(made.stdout)


def test_a_key_is_taken_as_people_paste_it(app: App) -> None:
    pasted = "\r\n  " + app.pem.replace("\n", "\r\n  ") + "\r\n"
    assert private_key(pasted) == app.pem


def test_the_account_and_what_the_app_lacks(forge: GitHubAppForge, app: App) -> None:
    assert (forge.account().login, list(forge.account().missing)) == ("trial[bot]", [])
    assert all(right.given and right.without for right in forge.account().rights)
    del app.permissions["deployments"]
    app.permissions["checks"] = "read"
    app.webhook.events.remove("push")
    assert list(forge.account().missing) == [
        "the permission Checks (write)",
        "the permission Deployments (write)",
        "the event push",
    ]
    given = {right.name: right.given for right in forge.account().rights}
    assert (given["Checks (write)"], given["Contents (read)"]) == (False, True)


def test_a_key_that_github_does_not_know_is_refused(site: GitHubSite, app: App) -> None:
    assert bind(
        connected(site, app)
    ).account()  # a signature by the right key is remembered only for that key
    stranger = bind(connected(site, app, pem=pem_of(key(7))))
    with pytest.raises(ForgeError, match=f"401.*the App {app.id}.*clock") as caught:
        stranger.account()
    assert "BEGIN" not in str(caught.value)


def test_every_repository_of_every_installation_is_listed(
    site: GitHubSite, app: App, forge: GitHubAppForge, installation: Installation
) -> None:
    more = []
    for number in range(230):
        hosted = Hosted(9000 + number, "umbrella", f"r{number:03}", site.root, {})
        site.repositories[hosted.full_name] = hosted
        more.append(hosted)
    other = site.apps.install(app, *more)
    names = [one.full_name for one in forge.repositories()]
    assert len(names) == len(set(names)) == 232
    site.apps.suspend(other)
    assert {one.full_name for one in forge.repositories()} == {SHOP, DOCS}
    assert all(one.manageable for one in forge.repositories()) and forge.repository(SHOP).manageable


def test_a_token_is_used_until_shortly_before_its_end(
    site: GitHubSite, forge: GitHubAppForge, project: Project
) -> None:
    for _ in range(3):
        forge.open_pull_requests(project)
        forge.facts(project, SHA)
    assert made_tokens(site) == 1
    assert sum(one.endswith("/installation") for one in site.asked) == 1
    token = next(iter(site.apps.tokens))
    assert len(token) > 500
    installations = forge._installations
    held = installations._tokens[next(iter(installations._tokens))]
    assert held.expires_at - datetime.now(UTC) > timedelta(minutes=58)
    object.__setattr__(held, "expires_at", datetime.now(UTC) + timedelta(seconds=90))
    forge.open_pull_requests(project)
    assert made_tokens(site) == 2


def test_a_token_that_was_revoked_is_replaced_once(
    site: GitHubSite, forge: GitHubAppForge, project: Project, app: App
) -> None:
    forge.facts(project, SHA)
    site.apps.tokens.clear()
    site.asked.clear()
    assert forge.facts(project, SHA).facts.default_branch == "main"  # also where the answer is not sent again
    assert made_tokens(site) == 1
    app.keys[:] = [key(8)]
    site.apps.tokens.clear()
    forge._installations._client._github.config.cache_strategy.get_cache_storage()._cache.clear()
    with pytest.raises(ForgeError, match="401"):
        forge.facts(project, SHA)


def test_the_installation_is_looked_up_again_when_it_is_another(
    site: GitHubSite, forge: GitHubAppForge, project: Project, app: App, installation: Installation
) -> None:
    forge.open_pull_requests(project)
    site.apps.uninstall(installation)
    with pytest.raises(NotInstalled, match=f"not installed on {SHOP}") as caught:
        forge.open_pull_requests(project)
    assert not caught.value.permanent
    site.apps.install(app, site.repositories[SHOP])
    assert forge.open_pull_requests(project) == []


def test_a_suspended_installation_says_so_and_comes_back(
    site: GitHubSite, forge: GitHubAppForge, project: Project, installation: Installation
) -> None:
    forge.open_pull_requests(project)
    site.apps.suspend(installation)
    with pytest.raises(ForgeError, match="403"):
        forge.open_pull_requests(project)
    for _ in range(2):
        with pytest.raises(NotInstalled, match="suspended"):
            forge.open_pull_requests(project)
    site.apps.suspend(installation, suspended=False)
    assert forge.open_pull_requests(project) == []


def test_a_repository_that_was_taken_out_says_so(
    site: GitHubSite, forge: GitHubAppForge, project: Project, installation: Installation
) -> None:
    forge.open_pull_requests(project)
    site.apps.take_out(installation, site.repositories[SHOP])
    with pytest.raises(ForgeError):
        forge.open_pull_requests(project)
    with pytest.raises(NotInstalled, match="not installed on acme/shop"):
        forge.open_pull_requests(project)
    with pytest.raises(NotInstalled):
        forge.fetch_credential(project)
    docs = project_of(site, project.connection, DOCS)
    assert forge.open_pull_requests(docs) == []


def test_an_old_name_leads_to_the_repository(
    site: GitHubSite, forge: GitHubAppForge, project: Project
) -> None:
    site.renamed(SHOP, "acme/store")
    assert forge.repository(SHOP).full_name == "acme/store"
    assert forge.repository_of(project).full_name == "acme/store"
    with pytest.raises(Moved):
        forge.open_pull_requests(project)
    project.full_name = "acme/store"
    assert forge.open_pull_requests(project) == []


def test_nor_does_another_repository_that_took_the_name_hide_it(
    site: GitHubSite, forge: GitHubAppForge, project: Project, source: Path
) -> None:
    site.renamed(SHOP, "acme/store")
    site.repository(SHOP, source, admin="ann")  # where the App is not installed
    assert forge.repository_of(project).full_name == "acme/store"


# what agents get


def test_an_agent_gets_a_token_that_reads_one_repository(
    site: GitHubSite, forge: GitHubAppForge, project: Project, tmp_path: Path, source: Path
) -> None:
    credential = forge.fetch_credential(project)
    assert credential is not None and len(credential.password) > 500
    assert credential.password not in repr(credential)
    assert timedelta(minutes=58) < credential.expires_at - datetime.now(UTC) <= timedelta(hours=1)
    assert site.apps.tokens[credential.password].permissions == {"contents": "read"}
    where = f"http://x-access-token:{credential.password}@{site.url.removeprefix('http://')}"
    assert git("clone", f"{where}/{SHOP}.git", str(tmp_path / "a")) == 0
    assert git("clone", f"{where}/{DOCS}.git", str(tmp_path / "b")) != 0
    assert git("-C", str(tmp_path / "a"), "push", "origin", "HEAD:refs/heads/mine") != 0
    site.apps.tokens[credential.password].expires_at = datetime.now(UTC)
    assert git("clone", f"{where}/{SHOP}.git", str(tmp_path / "c")) != 0
    again = forge.fetch_credential(project)
    assert again is not None and again.password != credential.password  # nothing is kept that could be stolen


def git(*arguments: str) -> int:
    return subprocess.run(
        ["git", *arguments],
        capture_output=True,
        check=False,
        env={"GIT_TERMINAL_PROMPT": "0", "PATH": "/usr/bin:/bin"},
    ).returncode


def test_no_token_is_in_a_log_or_an_error(
    site: GitHubSite, forge: GitHubAppForge, project: Project, caplog: pytest.LogCaptureFixture, app: App
) -> None:
    caplog.set_level(logging.DEBUG)
    forge.facts(project, SHA)
    forge.fetch_credential(project)
    site.repositories.pop(DOCS)
    with pytest.raises(ForgeError) as caught:
        forge.repository(DOCS)
    said = (
        caplog.text + str(caught.value) + repr(forge) + repr(forge.app) + repr(forge._installations.__dict__)
    )
    for secret in (*site.apps.tokens, app.pem, "BEGIN RSA", "eyJ"):
        assert secret not in said


# the webhook


def test_the_apps_webhook_is_set_once_for_all_projects_and_healed(
    site: GitHubSite, forge: GitHubAppForge, project: Project, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (project, project_of(site, project.connection, DOCS)):
        forge.ensure_webhook(one, HOOK, "first")
    assert (app.webhook.url, app.webhook.secret) == (HOOK, "first")
    assert site.asked.count("PATCH /api/v3/app/hook/config") == 1
    forge.ensure_webhook(project, HOOK, "second")
    assert app.webhook.secret == "second"
    app.webhook.url = "https://elsewhere.test/hook"
    hour = time.monotonic() + 3600
    monkeypatch.setattr(time, "monotonic", lambda: hour)
    forge.ensure_webhook(project, HOOK, "second")
    assert app.webhook.url == HOOK
    assert all(not one.webhooks for one in site.repositories.values())


def test_what_the_apps_webhook_missed_is_known_by_repository_and_listed_once(
    site: GitHubSite, forge: GitHubAppForge, project: Project, app: App
) -> None:
    docs = project_of(site, project.connection, DOCS)
    long_ago = forge.now() - timedelta(days=1)
    assert forge.missed_deliveries(project, HOOK, long_ago) == []
    forge.ensure_webhook(project, HOOK, "s")
    for one in (SHOP, DOCS):  # nobody answers there
        site.send(
            site.repositories[one], "push", site.push_payload(site.repositories[one], "main", "0" * 40, SHA)
        )
    for one in (project, docs):
        (missed,) = forge.missed_deliveries(one, HOOK, long_ago)
        kept = forge.kept_delivery(one, missed)
        assert json.loads(kept.body)["repository"]["id"] == int(one.external_id)
        assert kept.headers["X-GitHub-Delivery"] == missed.delivery_id
    assert sum(one == "GET /api/v3/app/hook/deliveries" for one in site.asked) == 1
    assert not isinstance(forge, TriesWebhooks)


def test_removing_a_project_leaves_the_webhook_of_the_others(
    forge: GitHubAppForge, project: Project, app: App
) -> None:
    forge.ensure_webhook(project, HOOK, "s")
    forge.remove_webhook(project, HOOK)
    assert app.webhook.url == HOOK


def test_github_counts_the_requests_of_each_installation_by_themselves(
    forge: GitHubAppForge,
    project: Project,
    installation: Installation,
    app: App,
    site: GitHubSite,
    source: Path,
) -> None:
    elsewhere = site.apps.install(app, site.repository("zoo/cage", source, admin="ann"))
    there = project_of(site, project.connection, "zoo/cage")
    for one in (project, there):
        forge.open_pull_requests(one)
    installation.left = 3  # the repository, its collaborators, its default branch
    forge.facts(project, SHA)
    with pytest.raises(Limited):
        forge.facts(project, SHA)
    forge.facts(there, SHA)
    names: list[str] = []
    forge.allowances.share(lambda whose: names.append(whose.name) or Alone())
    assert sorted(names) == ["", "acme", "zoo"]
    left = [
        forge.allowances.of(Whose(str(one.id))).budget.standing().left for one in (installation, elsewhere)
    ]
    assert left == [0, elsewhere.left]


class Alone(Local):
    """A process that shares with nobody."""

    def read(self) -> Standing:
        return Standing()

    def write(self, standing: Standing) -> None:
        """Nobody hears it."""
