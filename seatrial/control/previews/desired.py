"""The desired state of an environment, as its agent is to see it."""

from django.conf import settings

from seatrial.control.forges.sources import source
from seatrial.control.previews.models import Deployment, Environment
from seatrial.wire.deployments import DesiredDeployment, DesiredEnvironment, PreviewAddress
from seatrial.wire.states import AgentState, EnvironmentState


def desired(environment: Environment) -> DesiredEnvironment | None:
    """What must be true of `environment` on its agent's host; None: it must not exist there (or is nowhere)."""
    agent = environment.agent
    if environment.state == EnvironmentState.TERMINATED or agent is None or agent.state == AgentState.REVOKED:
        return None
    project = environment.project
    return DesiredEnvironment(
        environment=environment.pk,
        name=environment.name,
        workspace=project.workspace_id,
        project=project.pk,
        repository=project.pk,
        number=environment.pull_request.number,
        revision=environment.revision,
        source=source(project),
        address=address(),
        live=_deployment(environment.live),
        candidate=_deployment(environment.candidate),
        drain_seconds=settings.CONFIGURATION.galley_drain_seconds,
    )


def address() -> PreviewAddress:
    """How visitors reach previews."""
    configuration = settings.CONFIGURATION
    return PreviewAddress(
        scheme=configuration.galley_preview_scheme,
        domain=configuration.galley_preview_domain,
        port=configuration.galley_preview_port,
    )


def _deployment(deployment: Deployment | None) -> DesiredDeployment | None:
    if deployment is None:
        return None
    return DesiredDeployment(
        id=deployment.pk,
        commit=deployment.commit,
        branch=deployment.branch,
        no_cache=deployment.no_cache,
    )
