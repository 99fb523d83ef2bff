"""What a GitHub App reports: check runs with annotations and buttons, deployments, one comment."""

from collections.abc import Sequence

import pytest

from seatrial.control.forges.github.app_forge import GitHubAppForge
from seatrial.control.forges.github.forge import GitHubForge
from seatrial.control.forges.github.registration import bind
from seatrial.control.forges.protocol import (
    Annotation,
    CommentReport,
    DeploymentReport,
    EvaluationReport,
    PreviewReport,
)
from seatrial.control.projects.events import CheckOrder
from seatrial.control.projects.models import Project
from seatrial.wire.states import DeploymentState, EvaluationState
from tests.forges.app_stage import SHA, SHOP, app, forge, installation, project, site, source
from tests.forges.hosts.github import GitHubSite

HOOK = "https://seatrial.test/api/v1/webhooks/github/1"


__all__ = ["app", "forge", "installation", "project", "site", "source"]  # fixtures


def verdict(
    state: EvaluationState, identity: str = "01E", found: int = 0, summary: str = "**ok**"
) -> EvaluationReport:
    return EvaluationReport(
        commit=SHA,
        state=state,
        description=state,
        page_url=f"https://seatrial.test/evaluations/{identity}",
        summary=summary,
        annotations=[
            Annotation(path="a.py", line=number, title="no-secrets", message=f"found {number}", failed=True)
            for number in range(1, found + 1)
        ],
        identity=identity,
    )


def preview(
    state: DeploymentState, commit: str = SHA, *, ended: bool = False, live: bool = False
) -> DeploymentReport:
    return DeploymentReport(
        number=1,
        commit=commit,
        state=state,
        description=state,
        page_url="https://seatrial.test/environments/01V",
        urls={"web": "https://pr-1-shop.test"} if live else {},
        environment="pr-1-shop",
        ended=ended,
    )


def said(state: DeploymentState, *, live: bool = False, orders: Sequence[CheckOrder] = ()) -> PreviewReport:
    return PreviewReport(
        number=1,
        commit=SHA,
        state=state,
        description=state,
        page_url="https://seatrial.test/environments/01V",
        urls={"web": "https://pr-1-shop.test"} if live else {},
        orders=orders,
    )


@pytest.mark.parametrize(
    ("state", "status", "conclusion"),
    [
        (EvaluationState.QUEUED, "queued", None),
        (EvaluationState.RUNNING, "in_progress", None),
        (EvaluationState.PASSED, "completed", "success"),
        (EvaluationState.FAILED, "completed", "failure"),
        (EvaluationState.ERRORED, "completed", "failure"),
        (EvaluationState.TIMED_OUT, "completed", "timed_out"),
        (EvaluationState.SUPERSEDED, "completed", "neutral"),
    ],
)
def test_every_verdict_has_its_check_run(
    state: EvaluationState,
    status: str,
    conclusion: str | None,
    forge: GitHubAppForge,
    project: Project,
    site: GitHubSite,
) -> None:
    forge.report_evaluation(project, verdict(state))
    run = site.reports.run("seatrial/policies", SHA)
    assert (run["status"], run["conclusion"], run["output"]["summary"]) == (status, conclusion, "**ok**")
    assert [one["identifier"] for one in run["actions"]] == (["rerun"] if conclusion else [])
    assert not site.repositories[SHOP].statuses


@pytest.mark.parametrize(
    ("state", "live", "status", "conclusion"),
    [
        (DeploymentState.QUEUED, False, "queued", None),
        (DeploymentState.BUILDING, False, "in_progress", None),
        (DeploymentState.STARTING, False, "in_progress", None),
        (DeploymentState.LIVE, True, "completed", "success"),
        (DeploymentState.LIVE, False, "completed", "success"),
        (DeploymentState.FAILED, False, "completed", "failure"),
        (DeploymentState.SUPERSEDED, False, "completed", "neutral"),
        (DeploymentState.CANCELLED, False, "completed", "neutral"),
    ],
)
def test_every_preview_has_its_check_run(
    state: DeploymentState,
    live: bool,
    status: str,
    conclusion: str | None,
    forge: GitHubAppForge,
    project: Project,
    site: GitHubSite,
) -> None:
    orders = (CheckOrder.REBUILD, CheckOrder.STOP)
    forge.report_preview(project, said(state, live=live, orders=orders))
    run = site.reports.run("seatrial/preview", SHA)
    assert (run["status"], run["conclusion"]) == (status, conclusion)
    assert [one["identifier"] for one in run["actions"]] == (["rebuild", "stop"] if conclusion else [])
    assert run["details_url"] == (
        "https://pr-1-shop.test" if live else "https://seatrial.test/environments/01V"
    )
    assert not site.reports.deployments


def test_one_check_run_goes_from_queued_to_its_conclusion(
    forge: GitHubAppForge, project: Project, site: GitHubSite
) -> None:
    for state in (EvaluationState.QUEUED, EvaluationState.RUNNING, EvaluationState.PASSED):
        forge.report_evaluation(project, verdict(state))
    (run,) = site.reports.runs
    changes = run["_changes"]
    forge.report_evaluation(project, verdict(EvaluationState.PASSED))
    assert len(site.reports.runs) == 1 and run["_changes"] == changes  # said already
    forge.report_evaluation(project, verdict(EvaluationState.QUEUED, "01F"))
    forge.report_evaluation(project, verdict(EvaluationState.FAILED, "01F"))
    assert [one["conclusion"] for one in site.reports.runs] == ["success", "failure"]
    forge.report_evaluation(project, verdict(EvaluationState.QUEUED, "01G"))
    forge.report_evaluation(project, verdict(EvaluationState.PASSED, "01H"))  # what was between was left out
    assert [one["conclusion"] for one in site.reports.runs] == ["success", "failure", "neutral", "success"]


def test_an_older_run_that_is_waited_for_again_ends_and_masks_nothing(
    forge: GitHubAppForge, project: Project, site: GitHubSite
) -> None:
    forge.report_evaluation(project, verdict(EvaluationState.PASSED))
    forge.report_evaluation(project, verdict(EvaluationState.QUEUED, "01F"))
    forge.report_evaluation(project, verdict(EvaluationState.FAILED, "01F"))
    older, newest = site.reports.runs
    newest["started_at"] = "2026-11-29T08:00:00Z"
    older["status"], older["conclusion"] = "queued", None  # somebody asked to run it again
    forge.report_evaluation(project, verdict(EvaluationState.FAILED, "01F"))
    assert (older["status"], older["conclusion"]) == ("completed", "neutral")
    assert older["completed_at"] == newest["started_at"], "GitHub shows the one that was completed last"
    assert "https://seatrial.test/evaluations/01F" in older["output"]["summary"]
    assert len(site.reports.runs) == 2 and newest["conclusion"] == "failure"


def test_annotations_are_sent_in_batches_of_fifty_and_never_twice(
    forge: GitHubAppForge, project: Project, site: GitHubSite
) -> None:
    done = verdict(EvaluationState.FAILED, found=120)
    forge.report_evaluation(project, done)
    run = site.reports.run("seatrial/policies", SHA)
    assert [one["start_line"] for one in run["_annotations"]] == list(range(1, 121))
    assert run["_annotations"][0] == {
        "path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "failure", "title": "no-secrets",
        "message": "found 1",
    }  # fmt: skip
    forge.report_evaluation(project, done)
    assert len(run["_annotations"]) == 120
    # A report that broke off after the first batch is gone on with
    del run["_annotations"][50:]
    run["output"]["annotations_count"] = 50
    forge.report_evaluation(project, done)
    assert [one["start_line"] for one in run["_annotations"]] == list(range(1, 121))


def test_what_is_too_long_is_cut(forge: GitHubAppForge, project: Project, site: GitHubSite) -> None:
    forge.report_evaluation(project, verdict(EvaluationState.FAILED, summary="é" * 100_000))
    assert len(site.reports.run("seatrial/policies", SHA)["output"]["summary"]) <= 65_535


def test_a_check_run_of_another_app_is_not_ours(
    forge: GitHubAppForge, project: Project, site: GitHubSite
) -> None:
    forge.report_evaluation(project, verdict(EvaluationState.QUEUED))
    (run,) = site.reports.runs
    run["app"] = {**run["app"], "id": 1}
    forge.report_evaluation(project, verdict(EvaluationState.PASSED))
    assert len(site.reports.runs) == 2 and run["status"] == "queued"


def states(site: GitHubSite) -> dict[str, list[str]]:
    return {one["sha"][:1]: [state["state"] for state in one["_states"]] for one in site.reports.deployments}


@pytest.fixture(params=["app", "token"])
def either(request: pytest.FixtureRequest, site: GitHubSite, project: Project) -> GitHubForge:
    if request.param == "token":
        project.connection.credential = site.people["ann"].token
    return bind(project.connection)


def test_a_preview_is_a_deployment_until_its_end(
    either: GitHubForge, project: Project, site: GitHubSite
) -> None:
    second = "b" * 40
    for state in (DeploymentState.QUEUED, DeploymentState.BUILDING, DeploymentState.STARTING):
        either.report_deployment(project, preview(state))
    either.report_deployment(project, preview(DeploymentState.LIVE, live=True))
    either.report_deployment(project, preview(DeploymentState.LIVE, live=True))
    assert states(site) == {"a": ["queued", "in_progress", "success"]}
    (deployment,) = site.reports.deployments
    assert deployment["environment"] == "pr-1-shop" and deployment["transient_environment"]
    assert deployment["_states"][-1]["environment_url"] == "https://pr-1-shop.test"
    either.report_deployment(project, preview(DeploymentState.BUILDING, second))
    assert states(site)["a"][-1] == "success"  # it still serves
    either.report_deployment(project, preview(DeploymentState.LIVE, second, live=True))
    assert states(site) == {
        "a": ["queued", "in_progress", "success", "inactive"],
        "b": ["in_progress", "success"],
    }
    for _ in range(2):
        either.report_deployment(project, preview(DeploymentState.SUPERSEDED, second, ended=True))
    assert states(site)["b"] == ["in_progress", "success", "inactive"]
    either.report_deployment(project, preview(DeploymentState.LIVE, second, live=True))  # the stop was undone
    assert states(site)["b"][-1] == "success"


def test_what_was_never_deployed_is_not_shown_as_ended(
    either: GitHubForge, project: Project, site: GitHubSite
) -> None:
    either.report_deployment(project, preview(DeploymentState.CANCELLED, ended=True))
    assert site.reports.deployments == []


def test_without_the_right_to_deployments_everything_else_is_reported(
    either: GitHubForge, project: Project, site: GitHubSite, caplog: pytest.LogCaptureFixture
) -> None:
    site.reports.deployments_refused = True
    either.report_deployment(project, preview(DeploymentState.BUILDING))
    either.report_preview(project, said(DeploymentState.LIVE, live=True))
    either.report_deployment(project, preview(DeploymentState.LIVE, live=True))
    asked = [one for one in site.asked if "/deployments" in one]
    assert len(asked) == 1
    shown = [one["status"] for one in site.reports.runs] or [
        one.state for one in site.repositories[SHOP].statuses
    ]
    assert shown[-1] in {"completed", "success"}


def test_a_comment_of_the_app_is_found_again(
    forge: GitHubAppForge, project: Project, site: GitHubSite
) -> None:
    pull = site.open_pull(SHOP, "feature", author="ann")
    first = forge.report_comment(project, CommentReport(number=pull.number, body="one"))
    assert forge.report_comment(project, CommentReport(number=pull.number, body="two")) == first
    (comment,) = pull.comments
    assert comment.author == "trial[bot]" and "two" in comment.body
