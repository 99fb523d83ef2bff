"""One pull request, its preview and its agent; short words for what happens to them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from seatrial.control.fleet.models import Agent
from seatrial.control.previews import lifecycle, routes, services
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.events import PullRequestAction, PullRequestChanged
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.projects.services import apply_pull_request
from seatrial.control.worker.routes import go_live
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentPhase,
    DeploymentReady,
    EnvironmentObserved,
    EnvironmentRemoved,
    ObservedService,
)
from seatrial.wire.states import Isolation, ServiceKind
from tests import factories


def web(endpoint: str = "http://10.0.0.1:80", name: str = "web") -> ObservedService:
    return ObservedService(name=name, kind=ServiceKind.WEB, state="running", endpoint=endpoint)


@dataclass
class Scenario:
    project: Project
    agent: Agent
    clock: datetime = field(default_factory=lambda: timezone.now() - timedelta(hours=1))

    @classmethod
    def make(cls, name: str = "shop") -> "Scenario":
        workspace = factories.workspace()
        return cls(factories.project(workspace, name), factories.agent(state="online"))

    def news(self, action: str, commit: str, at: int, number: int = 1) -> PullRequestChanged:
        return PullRequestChanged(
            external_id=self.project.external_id,
            number=number,
            action=PullRequestAction(action),
            head_sha=commit,
            branch="feature",
            base_branch="main",
            title="t",
            author="alice",
            from_fork=False,
            changed_at=self.clock + timedelta(seconds=at),
        )

    def tell(self, news: PullRequestChanged) -> str:
        pull_request = apply_pull_request(self.project, news)
        return services.pull_request_changed(pull_request) if pull_request else "old"

    def push(self, commit: str, at: int = 0, action: str = "synchronize") -> str:
        return self.tell(self.news(action, commit, at))

    def close(self, at: int) -> str:
        return self.tell(self.news("closed", self.pull_request.head_sha, at))

    @property
    def pull_request(self) -> PullRequest:
        return PullRequest.objects.get(project=self.project, number=1)

    @property
    def environment(self) -> Environment:
        rows = Environment.objects.select_related("live", "candidate", "agent", "project__connection")
        return rows.filter(project=self.project).order_by("-id")[0]

    def deployment(self, commit: str) -> Deployment:
        return Deployment.objects.filter(environment__project=self.project, commit=commit).order_by("-id")[0]

    def candidate(self) -> Deployment:
        candidate = self.environment.candidate
        assert candidate is not None
        return candidate

    def phase(
        self,
        deployment: Deployment,
        name: str,
        seconds: float | None = None,
        at: int = 0,
        *,
        failed: bool = False,
    ) -> None:
        started_at = self.clock + timedelta(seconds=at)
        event = DeploymentPhase(
            environment=deployment.environment_id,
            deployment=deployment.pk,
            phase=name,
            started_at=started_at,
            seconds=seconds,
            failed=failed,
        )
        services.phase(self.agent.pk, event)

    def ready(self, deployment: Deployment, *observed: ObservedService, agent: str = "") -> None:
        event = DeploymentReady(
            environment=deployment.environment_id,
            deployment=deployment.pk,
            services=list(observed or [web()]),
            isolation=Isolation.CONTAINER,
        )
        services.ready(agent or self.agent.pk, event)

    def switch(self) -> None:
        """What the worker does once Traefik shows the candidates."""
        for environment in Environment.objects.select_related("live", "candidate"):
            if candidate := routes.candidate(environment):
                go_live(candidate)

    def fail(self, deployment: Deployment, reason: str = "build_failed") -> None:
        event = DeploymentFailed(
            environment=deployment.environment_id,
            deployment=deployment.pk,
            reason=reason,
            message="no",
            service="web",
            log_tail=["last"],
        )
        services.failed(self.agent.pk, event)

    def observe(self, deployment: Deployment, *observed: ObservedService, at: int = 0) -> None:
        event = EnvironmentObserved(
            environment=deployment.environment_id,
            revision=1,
            deployment=deployment.pk,
            services=list(observed),
            at=self.clock + timedelta(seconds=at),
        )
        services.observed(self.agent.pk, event)

    def removed(self, environment: Environment) -> None:
        services.removed(self.agent.pk, EnvironmentRemoved(environment=environment.pk))

    def live(self, commit: str, at: int = 0) -> Deployment:
        self.push(commit, at)
        self.ready(self.candidate())
        self.switch()
        return self.deployment(commit)


def check_invariants(project: Project) -> None:
    """What must hold whatever happened; see previews.lifecycle."""
    living = Environment.objects.filter(project=project).exclude(state="terminated")
    assert living.count() <= 1
    for environment in Environment.objects.filter(project=project).select_related("live", "candidate"):
        states = list(environment.deployments.values_list("pk", "state"))
        in_progress = {pk for pk, state in states if state in {"queued", "building", "starting"}}
        live = {pk for pk, state in states if state == "live"}
        assert in_progress == ({environment.candidate_id} - {None})
        assert live == ({environment.live_id} - {None})
        if environment.state == "terminated":
            assert not in_progress and not live
        else:
            assert environment.state == lifecycle._state(environment)
