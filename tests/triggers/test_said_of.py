"""What a commit says about its preview is one decision from the rows as they are now."""

from collections.abc import Callable

import pytest

from seatrial.control.forges.models import PostedReport, Told
from seatrial.control.forges.protocol import PreviewReport
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews import services as previews
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.triggers import checks
from seatrial.control.triggers.said_of import preview_of
from tests import factories
from tests.triggers.test_telling import Listening, forge

__all__ = ["forge"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def project() -> Project:
    return factories.project(factories.workspace(), previews_of_drafts=False)


@pytest.fixture
def pull_request(project: Project) -> PullRequest:
    return factories.pull_request(project)


def told(project: Project, commit: str, *, begun: bool = False) -> PreviewReport:
    report = preview_of(project, commit, begun=begun)
    assert report is not None
    return report


def twin(of: PullRequest, **fields: object) -> PullRequest:
    """Another pull request of the same commit, such as one into a release branch."""
    return factories.pull_request(of.project, head_sha=of.head_sha, **fields)


def ended(of: PullRequest) -> Environment:
    environment = factories.environment(of, state="terminated")
    factories.deployment(environment, state="superseded")
    return environment


def test_a_withheld_preview_counts_and_not_the_one_that_there_was(pull_request: PullRequest) -> None:
    ended(pull_request)
    PullRequest.objects.update(draft=True)
    report = told(pull_request.project, pull_request.head_sha)
    assert (report.state, report.description, report.orders) == ("live", "No preview: it is a draft", ())


def test_of_two_pull_requests_with_one_commit_the_preview_counts(pull_request: PullRequest) -> None:
    twin(pull_request, draft=True)
    assert told(pull_request.project, pull_request.head_sha).description == "No preview: it is a draft"
    environment = factories.running(pull_request)
    report = told(pull_request.project, pull_request.head_sha)
    assert (report.number, report.page_url.rsplit("/", 1)[1]) == (pull_request.number, environment.pk)
    assert report.urls and report.orders == ("rebuild", "stop")


def test_of_two_previews_of_one_commit_the_newest_counts_whichever_changed_last(
    pull_request: PullRequest,
) -> None:
    factories.running(pull_request)
    other = twin(pull_request)
    factories.deployment(factories.environment(other), state="failed")
    for changed in Environment.objects.all():
        changed.save()
        report = told(pull_request.project, pull_request.head_sha)
        assert (report.state, report.number, report.orders) == ("failed", other.number, ("rebuild",))


def test_a_merge_queue_needs_none_unless_its_commit_has_one(pull_request: PullRequest) -> None:
    factories.evaluation(pull_request, event="merge_queue")
    said = told(pull_request.project, pull_request.head_sha)
    assert (said.state, said.description, said.number) == ("live", "Not needed in a merge queue", None)
    factories.deployment(factories.environment(pull_request), state="building")
    assert told(pull_request.project, pull_request.head_sha).state == "building"


def test_a_commit_that_was_replaced_says_so_only_if_more_was_promised(pull_request: PullRequest) -> None:
    ended(pull_request)
    former = pull_request.head_sha
    PullRequest.objects.update(head_sha=factories.sha())
    assert preview_of(pull_request.project, former, begun=False) is None
    report = told(pull_request.project, former, begun=True)
    assert (report.state, report.orders) == ("superseded", ())


def test_a_closed_pull_request_says_how_its_preview_ended(pull_request: PullRequest) -> None:
    ended(pull_request)
    PullRequest.objects.update(state="closed", draft=True)
    assert told(pull_request.project, pull_request.head_sha).state == "superseded"


def test_nothing_is_said_of_what_is_nobodys(project: Project, pull_request: PullRequest) -> None:
    assert preview_of(project, factories.sha(), begun=True) is None
    assert preview_of(project, pull_request.head_sha, begun=True) is None
    ended(pull_request)
    elsewhere = factories.project(project.workspace)
    assert preview_of(elsewhere, pull_request.head_sha, begun=True) is None


def test_a_preview_that_became_withheld_is_told_once_however_often_rows_change(
    forge: Listening, pull_request: PullRequest, lanes: Callable[[], None]
) -> None:
    factories.running(pull_request)
    PullRequest.objects.update(draft=True)
    previews.pull_request_changed(pull_request)
    for _ in range(3):
        Deployment.objects.latest("id").save()
        outbox.instruct(Instruction.REPORT, pull_request=pull_request.pk)
        lanes()
    assert forge.told == ["live: No preview: it is a draft"]


def test_what_somebody_asks_for_at_an_older_commit_ends_there(
    forge: Listening, pull_request: PullRequest, lanes: Callable[[], None]
) -> None:
    environment = factories.environment(pull_request)
    factories.deployment(environment, state="superseded")
    former = pull_request.head_sha
    PostedReport.objects.create(
        project=pull_request.project, what=Told.PREVIEW, about=former, posted_at=pull_request.changed_at
    )
    PullRequest.objects.update(head_sha=factories.sha())
    outbox.instruct(Instruction.REPORT, project=pull_request.project_id, preview_of=former)
    lanes()
    assert forge.told == []
    checks.report_again(pull_request.project, former)
    lanes()
    assert forge.told == ["superseded: superseded"]
    assert not PostedReport.objects.filter(unfinished=True).exists()
