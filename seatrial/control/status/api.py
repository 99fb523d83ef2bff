"""REST: one document about everything that the person may see."""

from dataclasses import asdict
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema

from seatrial.control.accounts.access import visible
from seatrial.control.accounts.admission.roles import nowhere
from seatrial.control.accounts.authentication import person
from seatrial.control.accounts.models import User
from seatrial.control.accounts.providers.configured import incomplete
from seatrial.control.certificates.models import Served
from seatrial.control.certificates.sentences import sentence
from seatrial.control.fleet.hosts import PRESENT, host_lines
from seatrial.control.fleet.models import Agent
from seatrial.control.forges.budget_answers import BudgetAnswer, budgets, scarcest
from seatrial.control.forges.drift import drifted
from seatrial.control.forges.models import Drift
from seatrial.control.policies import answers as evaluation_answers
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews import answers as environment_answers
from seatrial.control.previews import totals
from seatrial.control.previews.counts import tally
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Connection, Project
from seatrial.control.status.missing import missing
from seatrial.control.status.nodes import failing
from seatrial.wire.states import EnvironmentState

router = Router(tags=["status"])
EVALUATIONS_PER_PROJECT = 10
LISTED = 1_000


class PlatformStatus(Schema):
    """`runtime` and `sandbox` are those of an agent that is online; empty if none has any.

    `sandbox` is runsc, runc or process. If it is empty, the agents' warnings say why. `waits_for` says who does not
    process messages or webhooks that pile up, not whose they are.
    """

    url: str = Field(description="The dashboard's address.")
    ingress_port: int = Field(description="The port that visitors of previews use.")
    runtime: str = Field(description="docker or process, of an agent that is online; empty while none is.")
    sandbox: str = Field(
        description="runsc, runc or process, what policies run in; empty while they cannot run."
    )
    python: str = Field(
        description="The version of Python that policies run with, such as 3.13.5; empty while it is not known."
    )
    waits_for: str = Field(description="What has to happen next, for people; empty when nothing has to.")
    waiting_since: datetime | None = Field(description="Since when; null when it waits for nothing.")
    warnings: list[str] = Field(
        description="Nodes of the bus that are gone, and settings that are not complete, for people, with what to do."
    )


class HostStatus(Schema):
    """One thing that must be right on an agent's host."""

    about: str = Field(
        description="engine, gvisor, firewall, namespaces, builder, disk, containers, registry, clock, release, or a word of a newer agent."
    )
    well: bool = Field(description="Whether it is right.")
    text: str = Field(description="What was found, for people.")
    fix: str = Field(description="What to type or do on that host, for people; empty if nothing.")
    grave: bool = Field(description="If it is not right: whether something does not work because of it.")


class AgentStatus(Schema):
    """One agent. What is said of it and its host is only given while it is online."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its name.")
    state: str = Field(description="online, draining, offline or revoked.")
    warnings: list[str] = Field(description="What is wrong with its host, for people.")
    sandbox_problem: str = Field(description="Why no policy can run there, for people; empty otherwise.")
    host: list[HostStatus] = Field(
        description="What must be right on its host, of a minute ago. A warning that is also a line of these is said twice."
    )


class CertificateStatus(Schema):
    """A certificate that the ingress serves, for the instance admin. Where it serves none, there is none here."""

    name: str = Field(description="The host it is for; *.domain stands for all previews.")
    state: str = Field(
        description="valid, expiring, expired, not_yet_valid, pending, self_signed, wrong_names, untrusted or unseen."
    )
    issuer: str = Field(description="Who issued it; empty before one was seen.")
    names: list[str] = Field(description="The names that it is valid for.")
    expires_at: datetime | None = Field(description="Until when; null before one was seen.")
    fingerprint: str = Field(description="SHA-256 of it, as hex; empty before one was seen.")
    looked_at: datetime = Field(description="When it was looked at last.")
    text: str = Field(description="How it is, for people.")
    fix: str = Field(description="What to do, for people; empty when nothing has to be done.")
    grave: bool = Field(description="Whether it keeps visitors out.")


class PhaseStatus(Schema):
    """A timed part of a deployment."""

    name: str = Field(
        description="checkout, recipe, build <service>, clone, start, migrate <service>, seed <service>, health or switch."
    )
    seconds: float | None = Field(description="How long it took; null while it lasts.")


class DeploymentStatus(Schema):
    """The newest deployment."""

    id: str = Field(description="Its id.")
    state: str = Field(description="queued, building, starting, live, failed, superseded or cancelled.")
    reason: str = Field(description="A stable word for why it failed; empty otherwise.")
    phases: list[PhaseStatus] = Field(description="Its timed parts, in their order.")


class EnvironmentStatus(Schema):
    """One preview that exists, or is still being removed."""

    id: str = Field(description="Its id.")
    name: str = Field(description="The first label of its addresses, such as pr-1-shop.")
    state: str = Field(
        description="pending, building, running, failed (nothing runs), stopped (can be undone), hibernating or terminated."
    )
    commit: str = Field(description="What is served, or else what was tried last.")
    urls: dict[str, str] = Field(
        description="The address of each service that has one, by the service's name."
    )
    undo_until: datetime | None = Field(
        description="How long everything is kept for an undo; null when nothing can be undone."
    )
    waits_for: str = Field(description="What has to happen next, for people; empty when nothing has to.")
    waiting_since: datetime | None = Field(description="Since when; null when it waits for nothing.")
    deployment: DeploymentStatus | None = Field(
        description="The newest deployment; null before there is one."
    )


class PreviewCounts(Schema):
    """How many previews do what. One that runs while a newer commit is deployed is in two counts."""

    running: int = Field(description="A deployment is live; also those on agents that are offline now.")
    in_progress: int = Field(description="A deployment is under way, the first or a newer one.")
    failed: int = Field(description="Nothing runs, because the newest deployment failed.")


class ResultStatus(Schema):
    """One policy's verdict."""

    policy: str = Field(description="The policy's slug.")
    state: str = Field(description="passed, failed, errored, timed_out, skipped or waived.")
    score: float | None = Field(description="0 to 100; null where it has none.")
    message: str = Field(description="What the policy says, for people.")


class EvaluationStatus(Schema):
    """One of the newest evaluations; /evaluations/<id> has the rest."""

    id: str = Field(description="Its id.")
    commit: str = Field(description="The commit it is about.")
    event: str = Field(
        description="push, pull_request, tag, merge_queue, manual, or preview: live policies look at the running preview."
    )
    state: str = Field(description="queued, running, passed, failed, errored, timed_out or superseded.")
    score: float | None = Field(description="0 to 100, the mean of its results; null where none has one.")
    waived: int = Field(description="How many of its results are waived: they neither passed nor fail it.")
    waits_for: str = Field(description="What has to happen next, for people; empty when nothing has to.")
    waiting_since: datetime | None = Field(description="Since when; null when it waits for nothing.")
    results: list[ResultStatus] = Field(description="What each policy said, by the policy's slug.")


class AmountStatus(Schema):
    """CPUs, memory and previews."""

    cpus: float = Field(description="How many CPUs.")
    memory_mb: int = Field(description="How many megabytes of memory.")
    previews: int = Field(description="How many previews.")


class ConnectionStatus(Schema):
    """A connection to a code host, for those who may manage it."""

    id: str = Field(description="Its id.")
    name: str = Field(description="What it is called.")
    forge: str = Field(description="The kind of the code host.")
    budget: BudgetAnswer = Field(
        description="How many more requests the forge accepts from it; of a GitHub App, where there are fewest."
    )
    budgets: list[BudgetAnswer] = Field(
        description="Of a GitHub App, for each installation; otherwise one. Empty: the forge has not said."
    )
    problem: str = Field(
        description="Why nothing is done there until somebody authorizes it again; empty otherwise."
    )


class ProjectStatus(Schema):
    """One repository."""

    name: str = Field(description="The repository's name.")
    drift: int = Field(
        description="How many of its changes in the last hour came without a webhook, and were found by asking the code host."
    )
    used: AmountStatus = Field(description="What the services of its previews may use together.")
    total: AmountStatus = Field(
        description="The most that they may use together, or a preview waits; 0: no limit."
    )
    environments: list[EnvironmentStatus] = Field(
        description="Its previews that exist or are being removed, the oldest first."
    )
    evaluations: list[EvaluationStatus] = Field(description="Its newest evaluations, the newest first.")


class StatusAnswer(Schema):
    """The whole platform."""

    platform: PlatformStatus = Field(description="This server.")
    certificates: list[CertificateStatus] = Field(
        description="Every certificate that the ingress serves, by name, for the instance admin."
    )
    agents: list[AgentStatus] = Field(description="Every agent, by name.")
    connections: list[ConnectionStatus] = Field(description="Every connection that you may manage, by name.")
    previews: PreviewCounts = Field(description="How many previews do what, of all projects below.")
    projects: list[ProjectStatus] = Field(description="Every project that you may look at, by name.")


@router.get("/status", response=StatusAnswer, summary="The whole platform at a glance")
def status(request: HttpRequest) -> StatusAnswer:
    """Projects by name; environments oldest first, evaluations newest first."""
    user = person(request)
    agents = list(visible(user, Agent).filter(removed_at=None).order_by("name"))
    return StatusAnswer(
        platform=_platform(agents),
        certificates=[_certificate(row) for row in visible(user, Served).order_by("name")],
        agents=[_agent(agent) for agent in agents],
        connections=_connections(user),
        previews=PreviewCounts(**asdict(tally(visible(user, Environment)))),
        projects=_projects(user),
    )


def _connections(user: User) -> list[ConnectionStatus]:
    rows = visible(user, Connection).select_related("authorization").prefetch_related("budgets")
    return [
        ConnectionStatus(
            id=row.pk,
            name=row.name,
            forge=row.forge,
            budget=scarcest(known),
            budgets=known,
            problem=row.authorization.problem if hasattr(row, "authorization") else "",
        )
        for row, known in ((row, budgets(row)) for row in rows.order_by("name", "id")[:LISTED])
    ]


def _certificate(row: Served) -> CertificateStatus:
    said = sentence(row, timezone.now())
    return CertificateStatus(
        name=row.name,
        state=said.state,
        issuer=row.issuer,
        names=row.names,
        expires_at=row.not_after,
        fingerprint=row.fingerprint,
        looked_at=row.looked_at,
        text=said.text,
        fix=said.fix,
        grave=said.grave,
    )


def _agent(agent: Agent) -> AgentStatus:
    beat = agent.heartbeat if agent.state in PRESENT else {}
    return AgentStatus(
        id=agent.pk,
        name=agent.name,
        state=agent.state,
        warnings=beat.get("warnings") or [],
        sandbox_problem=beat.get("sandbox_problem", ""),
        host=[HostStatus(**line.model_dump()) for line in host_lines(agent)],
    )


def _platform(agents: list[Agent]) -> PlatformStatus:
    configuration = settings.CONFIGURATION
    beats = [agent.heartbeat for agent in agents if agent.state in PRESENT]
    standard = 443 if configuration.galley_preview_scheme == "https" else 80
    waits_for, waiting_since = missing()
    return PlatformStatus(
        url=settings.SITE_URL,
        ingress_port=configuration.galley_preview_port or standard,
        runtime=next((beat["runtime"] for beat in beats if beat.get("runtime")), ""),
        sandbox=next((beat["sandbox"] for beat in beats if beat.get("sandbox")), ""),
        python=next((beat["python"] for beat in beats if beat.get("python")), ""),
        waits_for=waits_for,
        waiting_since=waiting_since,
        warnings=[*failing(), *incomplete(), *nowhere()],
    )


def _projects(user: User) -> list[ProjectStatus]:
    rows = list(visible(user, Project).filter(archived_at=None).order_by("name", "id")[:LISTED])
    environments = _environments(visible(user, Environment))
    evaluations = _evaluations(visible(user, Evaluation))
    used = totals.used(row.pk for row in rows)
    drifts = {one.project: one.count for one in drifted(visible(user, Drift))}
    return [
        ProjectStatus(
            name=row.name,
            drift=drifts.get(row.pk, 0),
            used=AmountStatus(**asdict(totals.summed(used.get(row.pk, {}).values()))),
            total=AmountStatus(**asdict(totals.total(row).most)),
            environments=environments.get(row.pk, []),
            evaluations=evaluations.get(row.pk, []),
        )
        for row in rows
    ]


def _environments(rows: QuerySet[Environment]) -> dict[str, list[EnvironmentStatus]]:
    gone = {"state": EnvironmentState.TERMINATED, "removed_at__isnull": False}
    by_project: dict[str, list[EnvironmentStatus]] = {}
    newest = environment_answers.answers(rows.exclude(**gone).order_by("-id")[:LISTED])
    for answer in reversed(newest):
        one = EnvironmentStatus.model_validate(answer.model_dump())
        by_project.setdefault(answer.project, []).append(one)
    return by_project


def _evaluations(rows: QuerySet[Evaluation]) -> dict[str, list[EvaluationStatus]]:
    by_project: dict[str, list[EvaluationStatus]] = {}
    projects = dict(rows.order_by("-id").values_list("pk", "project_id")[:LISTED])
    newest: dict[str, list[str]] = {}
    for pk, project in projects.items():
        newest.setdefault(project, []).append(pk)
    wanted = [pk for pks in newest.values() for pk in pks[:EVALUATIONS_PER_PROJECT]]
    for answer in evaluation_answers.answers(rows.filter(pk__in=wanted).order_by("-id")):
        one = EvaluationStatus.model_validate(answer.model_dump())
        by_project.setdefault(projects[answer.id], []).append(one)
    return by_project
