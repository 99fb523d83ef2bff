"""A merge train of GitLab never waits for us, and nobody is taken out of one because of us."""

import pytest
import structlog

from seatrial.control.forges.gitlab.forge import GitLabForge
from seatrial.control.forges.protocol import PreviewReport
from seatrial.control.projects.models import Project
from seatrial.wire.states import DeploymentState, EvaluationState
from tests.forges.hosts.gitlab import GitLabSite
from tests.forges.hosts.site import Hosted, Pull
from tests.forges.test_gitlab import forge, hosted, project, pull, site, source, verdict

__all__ = ["forge", "hosted", "project", "pull", "site", "source"]  # fixtures


def preview(pull: Pull, state: DeploymentState) -> PreviewReport:
    return PreviewReport(
        number=pull.number,
        commit=pull.head,
        state=state,
        description="",
        page_url="https://s.test/1",
    )


@pytest.mark.parametrize("fast_forward", [True, False], ids=["the same commit", "a commit of its own"])
@pytest.mark.parametrize("state", [DeploymentState.BUILDING, DeploymentState.FAILED])
def test_what_is_reported_meanwhile_is_shown_in_the_pipeline_before_the_train(
    forge: GitLabForge,
    project: Project,
    site: GitLabSite,
    hosted: Hosted,
    pull: Pull,
    state: DeploymentState,
    fast_forward: bool,
) -> None:
    own = site.start_pipeline(hosted, pull, sha=pull.base)
    train = site.start_pipeline(hosted, pull, sha=pull.head if fast_forward else pull.base, in_train=True)
    forge.report_preview(project, preview(pull, state))
    assert [job.name for job in own.jobs] == ["seatrial/preview"] and train.jobs == []
    assert site.pipelines == [own, train]


def test_the_newest_pipeline_counts_when_it_left_a_train(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    site.start_pipeline(hosted, pull)
    site.start_pipeline(hosted, pull, sha=pull.base, in_train=True)
    again = site.start_pipeline(hosted, pull)
    site.start_pipeline(hosted, pull, sha=pull.base, in_train=True)
    forge.report_evaluation(project, verdict(pull, EvaluationState.PASSED, number=pull.number))
    assert {one.id: len(one.jobs) for one in site.pipelines if one.jobs} == {again.id: 1}


def test_without_another_pipeline_there_is_no_status_and_everything_else_is_told(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    train = site.start_pipeline(hosted, pull, sha=pull.base, in_train=True)
    with structlog.testing.capture_logs() as logs:
        forge.report_evaluation(project, verdict(pull, EvaluationState.FAILED, number=pull.number))
    assert train.jobs == [] and hosted.statuses == [] and site.pipelines == [train]
    assert ["train" in one["event"] for one in logs] == [True]


def test_a_branch_that_is_named_like_a_train_is_none(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    own = site.start_pipeline(hosted, pull)
    own.ref = "feature/train"
    forge.report_evaluation(project, verdict(pull, EvaluationState.PASSED, number=pull.number))
    assert len(own.jobs) == 1
