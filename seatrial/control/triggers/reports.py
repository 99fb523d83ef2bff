"""Reports to forges: always the current state of the row, whatever event led here, and with no transaction open."""

from django.conf import settings

from seatrial.control.forges.connected import Forges
from seatrial.control.forges.protocol import DeploymentReport, EvaluationReport, HostedForge
from seatrial.control.forges.telling import tell_deployment, tell_evaluation
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.routes import urls
from seatrial.wire.states import DeploymentState, EvaluationState


def report(forges: Forges, body: dict[str, str]) -> None:
    """Report the preview of the pull request, or the verdict on the commit, that `body` names. Raises ForgeError.

    The comment below the pull request is written by a lane of its own, which has one of them in flight at most.
    """
    if "pull_request" in body:
        _report_deployment(forges, body["pull_request"])
    else:
        _report_evaluation(forges, body["project"], body["commit"])


def _report_deployment(forges: Forges, pull_request: str) -> None:
    """Report the newest deployment of the pull request, in whichever environment; earlier ones do not matter."""
    rows = Deployment.objects.select_related(
        "environment__project__connection", "environment__pull_request", "environment__live"
    )
    deployment = rows.filter(environment__pull_request=pull_request).order_by("-id").first()
    if deployment is None:
        return
    environment = deployment.environment
    forge = forges.of(environment.project.connection)
    if isinstance(forge, HostedForge):
        outbox.instruct(Instruction.COMMENT, pull_request=pull_request)
    live = environment.live_id == deployment.pk
    # To the forge, a stop that can be undone is one like any other.
    state = DeploymentState.SUPERSEDED if environment.kept_id == deployment.pk else deployment.state
    tell_deployment(
        forge,
        environment.project,
        DeploymentReport(
            number=environment.pull_request.number,
            commit=deployment.commit,
            state=DeploymentState(state),
            description=deployment.shown_message or state,
            page_url=f"{settings.SITE_URL}/environments/{environment.pk}",
            urls=urls(environment) if live else {},
        ),
    )


def _report_evaluation(forges: Forges, project: str, commit: str) -> None:
    """Report the newest evaluation of the commit; a superseded one only if there is no other."""
    rows = Evaluation.objects.select_related("project__connection").filter(project=project, commit=commit)
    newest = rows.order_by("-id")
    evaluation = newest.exclude(state=EvaluationState.SUPERSEDED).first() or newest.first()
    if evaluation is None:
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
        ),
    )
