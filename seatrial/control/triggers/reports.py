"""Reports to forges: always the current state of the row, whatever event led here, and with no transaction open.

Whoever protects a branch may require both names, so each gets its conclusion where there is nothing to do, too: a preview
that is withheld, a commit that no policy applies to, a commit of a merge queue, which needs no preview.
"""

from django.conf import settings

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.protocol import DeploymentReport, EvaluationReport, Forge, HostedForge
from seatrial.control.forges.telling import tell_deployment, tell_evaluation
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.routes import urls
from seatrial.control.previews.withheld import why, withheld
from seatrial.control.projects.models import Project, PullRequest, PullRequestState
from seatrial.control.triggers.verdict import annotations, verdict
from seatrial.wire.states import DeploymentState, EnvironmentState, EvaluationState
from seatrial.wire.words import EventKind

# To the forge, a stop that can be undone is one like any other.
OVER = (EnvironmentState.STOPPED, EnvironmentState.TERMINATED)


def report(forges: Forges, body: dict[str, str]) -> None:
    """Report the preview of the pull request, or the verdict on the commit, that `body` names. Raises ForgeError.

    The comment below the pull request is written by a lane of its own, which has one of them in flight at most. To a
    repository that is gone nothing is reported.
    """
    if "pull_request" in body:
        _report_preview(forges, body["pull_request"])
    else:
        _report_evaluation(forges, body["project"], body["commit"])


def _report_preview(forges: Forges, key: str) -> None:
    """Report the newest deployment of the pull request, in whichever environment; earlier ones do not matter."""
    pull_request = PullRequest.objects.select_related("project__connection").filter(pk=key).first()
    if pull_request is None or pull_request.project.gone:
        return
    rows = Deployment.objects.select_related("environment__project", "environment__live")
    deployment = rows.filter(environment__pull_request=pull_request).order_by("-id").first()
    reason = withheld(pull_request) if pull_request.state == PullRequestState.OPEN else None
    if deployment is None and reason is None:
        return
    forge = forges.of(pull_request.project.connection)
    if isinstance(forge, HostedForge):
        outbox.instruct(Instruction.COMMENT, pull_request=pull_request.pk)
    if deployment is not None:
        tell_deployment(forge, pull_request.project, _of_deployment(deployment, pull_request))
    if reason is not None:
        said = f"No preview: {why(reason, pull_request)}"
        number, commit = pull_request.number, pull_request.head_sha
        tell_deployment(
            forge, pull_request.project, _not_needed(pull_request.project, commit, said, number=number)
        )


def _of_deployment(deployment: Deployment, pull_request: PullRequest) -> DeploymentReport:
    environment = deployment.environment
    live = environment.live_id == deployment.pk
    state = DeploymentState.SUPERSEDED if environment.kept_id == deployment.pk else deployment.state
    return DeploymentReport(
        number=pull_request.number,
        commit=deployment.commit,
        state=DeploymentState(state),
        description=deployment.shown_message or state,
        page_url=f"{settings.SITE_URL}/environments/{environment.pk}",
        urls=urls(environment) if live else {},
        environment=environment.name,
        ended=environment.state in OVER,
    )


def _not_needed(project: Project, commit: str, description: str, *, number: int = 0) -> DeploymentReport:
    """The success of a preview that there is none of."""
    return DeploymentReport(
        number=number,
        commit=commit,
        state=DeploymentState.LIVE,
        description=description,
        page_url=f"{settings.SITE_URL}/projects/{project.pk}",
        urls={},
    )


def _report_evaluation(forges: Forges, project: str, commit: str) -> None:
    """Report the newest evaluation of the commit; a superseded one only if there is no other."""
    related = Evaluation.objects.select_related("project__connection", "pull_request")
    rows = related.filter(project=project, commit=commit)
    newest = rows.order_by("-id")
    evaluation = newest.exclude(state=EvaluationState.SUPERSEDED).first() or newest.first()
    if evaluation is None:
        _report_without_policies(forges, project, commit)
        return
    if evaluation.project.gone:
        return
    forge = forges.of(evaluation.project.connection)
    if evaluation.pull_request_id is not None and isinstance(forge, HostedForge):
        outbox.instruct(Instruction.COMMENT, pull_request=evaluation.pull_request_id)
    tell_evaluation(
        forge,
        evaluation.project,
        EvaluationReport(
            commit=evaluation.commit,
            state=EvaluationState(evaluation.state),
            description=evaluation.shown_message or evaluation.state,
            page_url=f"{settings.SITE_URL}/evaluations/{evaluation.pk}",
            summary="\n".join(verdict(evaluation)).strip(),
            annotations=annotations(evaluation),
            number=evaluation.pull_request.number if evaluation.pull_request is not None else None,
            identity=evaluation.pk,
        ),
    )
    _report_to_queue(forge, evaluation)


def _report_to_queue(forge: Forge, evaluation: Evaluation) -> None:
    if evaluation.event == EventKind.MERGE_QUEUE:
        said = "Not needed in a merge queue"
        tell_deployment(forge, evaluation.project, _not_needed(evaluation.project, evaluation.commit, said))


def _report_without_policies(forges: Forges, project: str, commit: str) -> None:
    """Where no policy applies to the newest commit of a pull request, there is nothing against it."""
    rows = PullRequest.objects.select_related("project__connection")
    pull_request = rows.filter(project=project, head_sha=commit, state=PullRequestState.OPEN).first()
    if pull_request is None or pull_request.project.gone:
        return
    tell_evaluation(
        forges.of(pull_request.project.connection),
        pull_request.project,
        EvaluationReport(
            commit=commit,
            state=EvaluationState.PASSED,
            description="No policy applies",
            page_url=f"{settings.SITE_URL}/projects/{pull_request.project_id}",
        ),
    )
