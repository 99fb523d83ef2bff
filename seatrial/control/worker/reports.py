"""Telling the forge. Levels, not edges: what is reported is what the row says now."""

from django.conf import settings

from seatrial.control.forges.protocol import DeploymentReport, EvaluationReport
from seatrial.control.forges.registry import forge_of
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.routes import urls
from seatrial.wire.states import DeploymentState, EvaluationState


def report(body: dict[str, str]) -> None:
    """Report the deployment or evaluation that `body` names. Raises ForgeError."""
    if "deployment" in body:
        _report_deployment(body["deployment"])
    elif "evaluation" in body:
        _report_evaluation(body["evaluation"])


def _report_deployment(identity: str) -> None:
    rows = Deployment.objects.select_related(
        "environment__project__connection", "environment__pull_request", "environment__live"
    )
    deployment = rows.filter(pk=identity).first()
    if deployment is None:
        return
    environment = deployment.environment
    live = environment.live_id == deployment.pk
    forge_of(environment.project.connection).report_deployment(
        environment.project,
        DeploymentReport(
            number=environment.pull_request.number,
            commit=deployment.commit,
            state=DeploymentState(deployment.state),
            description=deployment.message or deployment.state,
            page_url=f"{settings.SITE_URL}/environments/{environment.pk}",
            urls=urls(environment) if live else {},
        ),
    )


def _report_evaluation(identity: str) -> None:
    evaluation = Evaluation.objects.select_related("project__connection").filter(pk=identity).first()
    if evaluation is None:
        return
    forge_of(evaluation.project.connection).report_evaluation(
        evaluation.project,
        EvaluationReport(
            commit=evaluation.commit,
            state=EvaluationState(evaluation.state),
            description=evaluation.message or evaluation.state,
            page_url=f"{settings.SITE_URL}/evaluations/{evaluation.pk}",
        ),
    )
