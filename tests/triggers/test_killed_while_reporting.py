"""A process that is killed right after a code host has answered: the next one says nothing twice."""

from collections.abc import Callable
from typing import Any

import pytest

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.github.needs import EVENTS, permissions
from seatrial.control.forges.models import PostedReport
from seatrial.control.forges.registry import registered
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Connection, Project
from tests.forges.hosts.github import GitHubSite
from tests.forges.hosts.gitlab import GitLabSite
from tests.forges.hosts.site import Pull, Site
from tests.triggers.conftest import lanes_of, wait_is_over, waiting
from tests.triggers.hosted import SHOP, Team, handle
from tests.triggers.hosted import project as by_token
from tests.triggers.test_github_app import go_live
from tests.triggers.test_hosted import finish

__all__ = ["by_token"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
REPORTS = ("report_evaluation", "report_preview", "report_deployment", "report_comment")


class Killed(BaseException):
    """SIGKILL: nothing that handles errors sees it."""


@pytest.fixture(params=["github", "app", "gitlab", "gitea"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def which(kind: str) -> str:
    return "github" if kind == "app" else kind


@pytest.fixture
def project(
    kind: str, request: pytest.FixtureRequest, site: Site, team: Team, lanes: Callable[[], None]
) -> Project:
    if kind != "app":
        return request.getfixturevalue("by_token")  # type: ignore[no-any-return]
    assert isinstance(site, GitHubSite)
    app = site.apps.create("trial", permissions=permissions(), events=EVENTS)
    site.apps.install(app, site.repositories[SHOP])
    asked = {"app_id": app.id, "private_key": app.pem, "base_url": site.url}
    _, answer = team.call("owner", "POST", "/github/apps", asked)
    team.call("owner", "POST", f"/connections/{answer['id']}/projects", {"repositories": [SHOP]})
    lanes()
    return Project.objects.get()


def shown(site: Site, pull: Pull) -> dict[str, Any]:
    """Everything that people see there, and how often it was said."""
    hosted = site.repositories[SHOP]
    seen: dict[str, Any] = {
        "statuses": [(one.context, one.state, one.description) for one in hosted.statuses],
        "comments": [(one.body, one.edits) for one in pull.comments],
        "deployments": [(one.environment, one.state) for one in hosted.deployments],
    }
    if isinstance(site, GitHubSite):
        seen["runs"] = [(one["name"], one["status"], one["_changes"]) for one in site.reports.runs]
        seen["states"] = [[state["state"] for state in one["_states"]] for one in site.reports.deployments]
    if isinstance(site, GitLabSite):
        seen["environments"] = [(one.name, one.state, one.url) for one in site.environments]
    return seen


@pytest.fixture
def killing(monkeypatch: pytest.MonkeyPatch, project: Project) -> Callable[[], list[str]]:
    """Does everything that is due in processes that are killed whenever a code host has answered a report."""
    made = registered(project.connection.forge).bind(Connection.objects.get())
    killed: list[str] = []

    def dying(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def report(*arguments: Any) -> Any:
            original(*arguments)
            killed.append(name)
            raise Killed

        return report

    def run() -> list[str]:
        killed.clear()
        with monkeypatch.context() as patched:
            for name in REPORTS:
                patched.setattr(type(made), name, dying(name, getattr(type(made), name)))
            lanes = lanes_of(Forges())
            while True:
                try:
                    lanes()
                except Killed:
                    continue
                return killed

    return run


def restarted() -> None:
    """Another process, which does everything that the dead ones had begun, once they cannot go on any more."""
    while waiting(Instruction.REPORT) or waiting(Instruction.COMMENT):
        wait_is_over()
        lanes_of(Forges())()


def test_whatever_was_said_when_the_process_was_killed_is_not_said_again(
    site: Site, project: Project, killing: Callable[[], list[str]]
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    handle()
    assert set(killing()) == set(REPORTS)
    said = shown(site, pull)
    assert len(said["comments"]) == 1
    restarted()
    assert shown(site, pull) == said, "what was begun"
    finish(Evaluation.objects.get(), "failed")
    go_live(Environment.objects.get())
    assert set(killing()) == set(REPORTS)
    said = shown(site, pull)
    restarted()
    now = shown(site, pull)
    assert [text for text, _ in now.pop("comments")] == [text for text, _ in said.pop("comments")]
    assert now == said, "how it ended"
    assert not PostedReport.objects.filter(sending=True).exists()
