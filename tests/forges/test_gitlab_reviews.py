"""What a merge request shows of its preview and its findings: GitLab's environments, and discussions at lines."""

from dataclasses import replace

from seatrial.control.forges.gitlab.forge import GitLabForge
from seatrial.control.forges.protocol import Annotation, CommentReport, DeploymentReport, EvaluationReport
from seatrial.control.projects.models import Project
from seatrial.wire.states import DeploymentState, EvaluationState
from tests.forges.hosts.gitlab import GitLabSite
from tests.forges.hosts.gitlab_reviews import Thread
from tests.forges.hosts.site import Hosted, Pull
from tests.forges.test_gitlab import BOT, forge, hosted, project, pull, site, source

__all__ = ["forge", "hosted", "project", "pull", "site", "source"]  # fixtures

FOUND = Annotation(path="app.py", line=3, title="No prints", message="print() in app.py", failed=True)
STATES = DeploymentState


def preview(pull: Pull, state: DeploymentState, *, url: str = "", ended: bool = False) -> DeploymentReport:
    return DeploymentReport(
        number=pull.number,
        commit=pull.head,
        state=state,
        description=str(state),
        page_url="https://s.test/2",
        urls={"web": url} if url else {},
        environment="pr-1-shop",
        ended=ended,
    )


def found(
    pull: Pull, *annotations: Annotation, state: EvaluationState = EvaluationState.FAILED
) -> EvaluationReport:
    return EvaluationReport(
        commit=pull.head,
        state=state,
        description="",
        page_url="https://s.test/1",
        annotations=annotations,
        number=pull.number,
    )


def test_a_preview_is_an_environment_with_its_address_until_it_ends(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    for state in (STATES.QUEUED, STATES.BUILDING, STATES.STARTING):
        for _ in range(2):
            forge.report_deployment(project, preview(pull, state))
    (environment,) = site.environments
    (deployment,) = hosted.deployments
    assert (environment.name, environment.url, deployment.state) == ("review/pr-1-shop", "", "running")
    for _ in range(2):
        forge.report_deployment(project, preview(pull, STATES.LIVE, url="https://web.test"))
    assert (environment.url, deployment.state) == ("https://web.test", "success")
    for _ in range(2):
        forge.report_deployment(project, preview(pull, STATES.SUPERSEDED, ended=True))
    assert environment.state == "stopped" and hosted.deployments == [deployment]


def test_a_preview_that_is_back_is_shown_again(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    live = preview(pull, STATES.LIVE, url="https://web.test")
    forge.report_deployment(project, live)
    forge.report_deployment(project, preview(pull, STATES.SUPERSEDED, ended=True))
    for _ in range(2):
        forge.report_deployment(project, live)
    assert site.environments[0].state == "available" and len(hosted.deployments) == 2


def test_each_commit_is_a_deployment(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    forge.report_deployment(project, preview(pull, STATES.LIVE, url="https://web.test"))
    earlier, pull.head = pull.head, pull.base
    forge.report_deployment(project, preview(pull, STATES.BUILDING))
    forge.report_deployment(project, preview(pull, STATES.FAILED))
    assert [(one.sha, one.state) for one in hosted.deployments] == [
        (earlier, "success"),
        (pull.head, "failed"),
    ]
    assert site.environments[0].url == "https://web.test"  # the live one is still served


def test_a_commit_that_was_replaced_is_not_deployed_for_ever(
    forge: GitLabForge, project: Project, hosted: Hosted, pull: Pull
) -> None:
    forge.report_deployment(project, preview(pull, STATES.BUILDING))
    pull.head = pull.base
    forge.report_deployment(project, preview(pull, STATES.BUILDING))
    assert [one.state for one in hosted.deployments] == ["canceled", "running"]


def test_a_project_without_environments_is_no_problem(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    site.has_environments = False
    forge.report_deployment(project, preview(pull, STATES.LIVE, url="https://web.test"))
    assert site.environments == []


def test_a_branch_that_is_gone_is_no_problem(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    pull.branch = "gone"
    forge.report_deployment(project, preview(pull, STATES.LIVE, url="https://web.test"))
    assert hosted.deployments == []


def test_a_finding_is_discussed_once_and_resolved_when_it_is_gone(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    site.changed_lines = {"app.py": {3, 5}}
    twice = replace(FOUND, line=5)
    for _ in range(2):
        forge.report_evaluation(project, found(pull, FOUND, twice))
    assert [(one.path, one.line, one.author) for one in site.threads] == [
        ("app.py", 3, BOT),
        ("app.py", 5, BOT),
    ]
    forge.report_evaluation(project, found(pull, FOUND))
    assert [bool(one.resolved_by) for one in site.threads] == [False, True]
    forge.report_evaluation(project, found(pull, state=EvaluationState.RUNNING))
    assert not site.threads[0].resolved_by  # nobody has looked yet
    forge.report_evaluation(project, found(pull, state=EvaluationState.PASSED))
    assert all(one.resolved_by for one in site.threads)
    forge.report_evaluation(project, found(pull, FOUND))
    assert not site.threads[0].resolved_by and len(site.threads) == 2


def test_a_finding_that_moved_is_the_same(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    site.changed_lines = {"app.py": {3, 9}}
    forge.report_evaluation(project, found(pull, FOUND))
    forge.report_evaluation(project, found(pull, replace(FOUND, line=9)))
    assert len(site.threads) == 1


def test_a_line_that_is_not_changed_has_no_discussion(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    site.changed_lines = {"app.py": {4}}
    forge.report_evaluation(project, found(pull, FOUND, replace(FOUND, line=4)))
    assert [one.line for one in site.threads] == [4]


def test_what_a_person_resolved_stays_resolved(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    site.changed_lines = {"app.py": {3}}
    forge.report_evaluation(project, found(pull, FOUND))
    site.threads[0].resolved_by = "ann"
    forge.report_evaluation(project, found(pull, FOUND))
    assert site.threads[0].resolved_by == "ann"


def test_a_mark_that_somebody_copied_is_theirs(
    forge: GitLabForge, project: Project, site: GitLabSite, hosted: Hosted, pull: Pull
) -> None:
    site.changed_lines = {"app.py": {3}}
    forge.report_evaluation(project, found(pull, FOUND))
    (ours,) = site.threads
    copied = Thread("f" * 40, hosted.id, pull.number, "eve", ours.body, "app.py", 3)
    site.threads = [copied]
    forge.report_evaluation(project, found(pull, state=EvaluationState.PASSED))
    assert not copied.resolved_by


def test_a_verdict_on_an_earlier_commit_is_discussed_nowhere(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    site.changed_lines = {"app.py": {3}}
    forge.report_evaluation(project, replace(found(pull, FOUND), commit=pull.base))
    assert site.threads == []


ORDERS = "fine\n/merge\n  /close\n```\n/assign @eve\n```\n````\n/label ~urgent"


def test_nothing_that_we_write_is_an_order(
    forge: GitLabForge, project: Project, site: GitLabSite, pull: Pull
) -> None:
    site.changed_lines = {"app.py": {3}}
    forge.report_comment(project, CommentReport(number=pull.number, body=ORDERS))
    forge.report_evaluation(project, found(pull, replace(FOUND, title="/merge", message=ORDERS)))
    for text in (pull.comments[0].body, site.threads[0].body):
        assert "/merge" in text and "/label" in text
        assert not [line for line in text.splitlines() if line.lstrip(" \t").startswith("/")]
