"""One pull request, its preview and its agents, with short functions for the events that happen to them.

Events of a deployment come from the agent that it is on, unless the test names another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.fleet.models import Agent
from seatrial.control.previews import lifecycle, routes, services
from seatrial.control.previews.models import Deployment, Environment, Placement
from seatrial.control.projects.events import PullRequestAction, PullRequestChanged
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.projects.services import apply_pull_request
from seatrial.control.worker.routes import go_live
from seatrial.wire.deployments import (
    DeploymentFailed,
    DeploymentPhase,
    DeploymentReady,
    DesiredEnvironment,
    Detected,
    EnvironmentObserved,
    EnvironmentRemoved,
    ObservedService,
    RecipeRead,
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
        rows = Environment.objects.select_related("live__agent", "candidate__agent", "project__connection")
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
        agent: str = "",
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
        services.phase(self._speaker(deployment, agent), event)

    def reads(
        self,
        deployment: Deployment,
        memory_mb: int,
        cpus: float = 1,
        agent: str = "",
        detected: Detected | None = None,
    ) -> None:
        event = RecipeRead(
            environment=deployment.environment_id,
            deployment=deployment.pk,
            cpus=cpus,
            memory_mb=memory_mb,
            detected=detected,
        )
        services.recipe_read(self._speaker(deployment, agent), event)

    def ready(
        self,
        deployment: Deployment,
        *observed: ObservedService,
        agent: str = "",
        warnings: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> None:
        event = DeploymentReady(
            environment=deployment.environment_id,
            deployment=deployment.pk,
            services=list(observed or [web()]),
            isolation=Isolation.CONTAINER,
            warnings=list(warnings),
            notes=list(notes),
        )
        services.ready(self._speaker(deployment, agent), event)

    def switch(self) -> None:
        """What the worker does once Traefik shows the candidates."""
        for environment in Environment.objects.select_related("live", "candidate"):
            if candidate := routes.candidate(environment):
                go_live(candidate)

    def fail(self, deployment: Deployment, reason: str = "build_failed", agent: str = "") -> None:
        event = DeploymentFailed(
            environment=deployment.environment_id,
            deployment=deployment.pk,
            reason=reason,
            message="no",
            service="web",
            log_tail=["last"],
        )
        services.failed(self._speaker(deployment, agent), event)

    def observe(
        self,
        deployment: Deployment,
        *observed: ObservedService,
        at: int = 0,
        agent: str = "",
        revision: int = 1,
    ) -> None:
        event = EnvironmentObserved(
            environment=deployment.environment_id,
            revision=revision,
            deployment=deployment.pk,
            services=list(observed),
            at=self.clock + timedelta(seconds=at),
        )
        services.observed(self._speaker(deployment, agent), event)

    def stop(self) -> None:
        services.stop(self.environment, by=Actor.person("alice"))

    def undo(self) -> None:
        services.undo(self.environment, by=Actor.person("alice"))

    def undo_time_passes(self) -> None:
        """It is too late now; `services.expire` may be called."""
        Environment.objects.filter(state="stopped").update(undo_until=timezone.now())

    def removed(self, environment: Environment, agent: Agent | None = None) -> None:
        services.removed((agent or self.agent).pk, EnvironmentRemoved(environment=environment.pk))

    def placement(self, agent: Agent | None = None) -> Placement | None:
        """The newest of the newest environment on `agent`."""
        rows = self.environment.placements.filter(agent=agent or self.agent).order_by("-id")
        return rows.select_related("agent", "environment__live", "environment__candidate").first()

    def desired(self, agent: Agent | None = None) -> DesiredEnvironment | None:
        placement = self.placement(agent)
        return services.desired(placement) if placement is not None else None

    def _speaker(self, deployment: Deployment, agent: str) -> str:
        return agent or deployment.agent_id or self.agent.pk

    def live(self, commit: str, at: int = 0) -> Deployment:
        self.push(commit, at)
        self.ready(self.candidate())
        self.switch()
        return self.deployment(commit)


def check_invariants(project: Project) -> None:
    """What must hold whatever happened; see previews.lifecycle."""
    living = Environment.objects.filter(project=project).exclude(state="terminated")
    assert living.count() <= 1
    for environment in Environment.objects.filter(project=project).select_related(
        "live", "candidate", "kept"
    ):
        states = list(environment.deployments.values_list("pk", "state"))
        in_progress = {pk for pk, state in states if state in {"queued", "building", "starting"}}
        live = {pk for pk, state in states if state == "live"}
        there = set(environment.placements.filter(removed_at=None).values_list("agent", "leaving_since"))
        wanted = (environment.live, environment.candidate, environment.kept)
        desired_on = {one.agent_id for one in wanted if one} - {None}
        assert {agent for agent, leaving in there if leaving is None} == desired_on
        assert len(there) == len({agent for agent, _ in there})
        assert in_progress == ({environment.candidate_id} - {None})
        assert live == ({environment.live_id, environment.kept_id} - {None})
        stopped = environment.state == "stopped"
        assert stopped == (environment.kept is not None) == (environment.undo_until is not None)
        assert not stopped or (environment.live is environment.candidate is None)
        if environment.state == "terminated":
            assert not in_progress and not live
            assert (environment.removed_at is None) == bool(there)
        else:
            assert environment.state == lifecycle._state(environment)
