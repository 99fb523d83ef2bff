"""The transitions of environments and deployments. Callers hold the environment's row lock.

Invariants, in whatever order events arrive: a deployment that has ended never changes again (a live one may become
superseded). A terminated environment never comes back; a reopened pull request gets a new one. `live` is a live
deployment of the environment, `candidate` one in progress, `kept` the one that was live when a person stopped the
environment; each is on an agent where the environment is placed, or has no agent yet. Every change of them raises
`revision`. An environment is stopped exactly while it has `kept`, and then has neither of the others. It is hibernating exactly
while it is `asleep_since` some time: what is live then is paused or stopped, or about to be, or not up again yet.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from seatrial.control.forges.registry import is_hosted
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews import placements, placing, route_marks, totals
from seatrial.control.previews.models import Deployment, DeploymentPhase, Environment
from seatrial.control.previews.recipes import folder
from seatrial.control.projects.gates import gate_of
from seatrial.control.projects.models import Tier as Trust
from seatrial.control.projects.variables import tier_of
from seatrial.wire.states import DeploymentState, EnvironmentState, Tier
from seatrial.wire.words import Phase, Reason, ServiceState, StopCause

ROUTES_CHANNEL = "seatrial_routes"
ADMISSIONS_CHANNEL = "seatrial_admissions"


def locked(environment_id: str) -> Environment | None:
    """Lock the environment's row until the transaction ends, and return it; None if there is none."""
    # Two queries: one that waits for a lock reads the locked row again, but joins other rows as they were before.
    Environment.objects.select_for_update(no_key=True).filter(pk=environment_id).values_list("pk").first()
    rows = Environment.objects.select_related(
        "live__agent", "candidate__agent", "kept", "project__connection"
    )
    return rows.filter(pk=environment_id).first()


def begin(
    environment: Environment,
    *,
    commit: str,
    branch: str,
    received_at: datetime | None = None,
    no_cache: bool = False,
    decision: placing.Decision | None = None,
) -> Deployment:
    """Start to deploy `commit`. A deployment in progress is superseded; a live one stays until the new one is ready.

    It goes to the agent of `decision`, or else to the one that placing decides on now. Without a suitable agent it
    waits. Nothing of it starts before its forge was asked about the pull request (`previews.confirming`), and if the
    project has a total, its services start only when they are admitted (`previews.admission`). A stopped environment is
    resumed before.
    """
    assert environment.kept is None
    _end_candidate(environment, DeploymentState.SUPERSEDED)
    trust = tier_of(environment.pull_request)
    asked = is_hosted(environment.project.connection.forge)
    deployment = Deployment.objects.create(
        environment=environment,
        gate=gate_of(environment.project),
        commit=commit,
        branch=branch,
        delivery_received_at=received_at,
        no_cache=no_cache,
        tier=trust,
        private_networks=environment.project.private_networks and trust is Trust.TRUSTED,
        recipe_folder=folder(environment.project, environment.recipe),
        admitted_at=None if totals.total(environment.project).limits else timezone.now(),
        confirmed_at=None if asked else timezone.now(),
    )
    environment.candidate = deployment
    environment.expires_at = timezone.now() + timedelta(hours=environment.project.ttl_hours)
    rouse(environment)
    place(environment, decision)
    announce(environment)
    if asked:
        outbox.instruct(Instruction.CONFIRM, deployment=deployment.pk)
    return deployment


def confirm(environment: Environment, *, doubt: str = "") -> None:
    """Let the candidate start. `doubt`, if any, is added to its warnings."""
    deployment = environment.candidate
    assert deployment is not None
    deployment.confirmed_at, deployment.unconfirmed = timezone.now(), ""
    if doubt:
        deployment.warnings = [*deployment.warnings, doubt]
    deployment.save(update_fields=["confirmed_at", "unconfirmed", "warnings"])
    tell_agents(environment)


def begin_again(environment: Environment, decision: placing.Decision | None = None) -> Deployment | None:
    """Deploy the candidate, or else the live commit, on another agent; None if there is neither.

    It is not a new commit, so the preview's time to live does not start again.
    """
    current = environment.candidate or environment.live
    if current is None:
        return None
    expires_at = environment.expires_at
    deployment = begin(
        environment,
        commit=current.commit,
        branch=current.branch,
        received_at=current.delivery_received_at if environment.candidate is not None else None,
        no_cache=current.no_cache and environment.candidate is not None,
        decision=decision,
    )
    environment.expires_at = expires_at
    environment.save(update_fields=["expires_at"])
    return deployment


def place(environment: Environment, decision: placing.Decision | None = None) -> bool:
    """Give an agent to the candidate, which has none; False when it waits for one. The caller calls `announce`."""
    candidate = environment.candidate
    assert candidate is not None
    if decision is None:
        decision = placing.decide(placements.fleet(), placements.whereabouts(environment))
    placements.put(candidate, decision)
    return decision.agent is not None


def go_live(environment: Environment) -> None:
    """Make the candidate live, because its route leads to it now; the deployment that was live may be drained."""
    deployment = environment.candidate
    if deployment is None or deployment.ready_at is None:
        return
    if environment.live is not None:
        _finish(environment.live, DeploymentState.SUPERSEDED)
    _finish(deployment, DeploymentState.LIVE)
    DeploymentPhase.objects.update_or_create(
        deployment=deployment,
        name=Phase.SWITCH.named(),
        defaults={
            "started_at": deployment.ready_at,
            "seconds": (timezone.now() - deployment.ready_at).total_seconds(),
        },
    )
    environment.live, environment.candidate = deployment, None
    environment.services = deployment.services
    environment.observed_at = None  # the old one is by the clock of the host that was live before
    _wide_awake(environment)
    announce(environment)


def fail(environment: Environment, *, reason: Reason | str, message: str, **details: Any) -> None:
    """Mark the candidate as failed. The live deployment stays."""
    deployment = environment.candidate
    if deployment is None:
        return
    deployment.reason, deployment.message = reason[:50], message
    for name, value in details.items():
        setattr(deployment, name, value)
    _finish(deployment, DeploymentState.FAILED)
    environment.candidate = None
    announce(environment)


def stop(environment: Environment, *, until: datetime, by: str) -> None:
    """Take the live deployment, of which there is one, out of service; until `until`, everything of it is kept.

    A candidate is cancelled. Nobody waits here for the time to pass: `services.expire` finds the row when it is over.
    """
    assert environment.live is not None
    _end_candidate(environment, DeploymentState.CANCELLED)
    environment.kept, environment.live = environment.live, None
    environment.undo_until = until
    _wide_awake(environment)
    environment.stop_cause, environment.stopped_by = StopCause.PERSON, by[:200]
    announce(environment)


def resume(environment: Environment) -> None:
    """Undo the stop: what was live is live again, with its data. Its time to live goes on as if nothing had happened.

    Its services count as restarting until the agent reports them. Visitors are sent to where they were, and the ingress
    holds their requests meanwhile.
    """
    assert environment.kept is not None
    environment.live, environment.kept, environment.undo_until = environment.kept, None, None
    environment.stop_cause = environment.stopped_by = ""
    _restarting(environment)
    announce(environment)


def empty_data(environment: Environment) -> None:
    """Have its agents empty its data. Nothing can be live meanwhile: the caller begins a deployment, which starts with none."""
    assert environment.kept is None
    if environment.live is not None:
        _finish(environment.live, DeploymentState.SUPERSEDED)
    environment.live, environment.services = None, []
    environment.data_generation += 1
    _wide_awake(environment)


def fall_asleep(environment: Environment, tier: Tier, *, settles_at: datetime) -> None:
    """From now on its visitors are asked about. Its containers go on until `settles_at`, so that nobody is cut off who is still
    on the way; then `settle` puts them to sleep."""
    assert environment.live is not None and environment.candidate is None and tier != Tier.RUNNING
    environment.asleep_since, environment.settles_at = timezone.now(), settles_at
    environment.waking_since = None
    announce(environment)


def settle(environment: Environment, tier: Tier) -> None:
    """Have the containers of what is asleep paused, or stopped."""
    assert environment.asleep_since is not None and environment.candidate is None
    environment.tier, environment.settles_at = tier, None
    announce(environment)


def rouse(environment: Environment) -> None:
    """Have the containers of what is asleep run again; it is awake once its agent says that they do. The caller announces it."""
    if environment.asleep_since is None or environment.waking_since is not None:
        return
    environment.visited_at = timezone.now()
    if environment.tier == Tier.RUNNING:
        _wide_awake(environment)
        return
    environment.tier, environment.waking_since = Tier.RUNNING, timezone.now()
    _restarting(environment)


def awake(environment: Environment) -> None:
    """It runs again: its visitors are not asked about any more."""
    _wide_awake(environment)
    announce(environment)


def _wide_awake(environment: Environment) -> None:
    environment.tier, environment.visited_at = Tier.RUNNING, timezone.now()
    environment.asleep_since = environment.settles_at = environment.waking_since = None


def _restarting(environment: Environment) -> None:
    known = environment.services or (environment.live.services if environment.live else [])
    environment.services = [{**service, "state": ServiceState.RESTARTING.value} for service in known]


def terminate(environment: Environment, *, cause: StopCause | None = None, stopped_by: str = "") -> None:
    """End the environment for good: nothing of it may exist any more. `cause`: why, if its pull request is open."""
    if environment.state == EnvironmentState.TERMINATED:
        return
    _end_candidate(environment, DeploymentState.CANCELLED)
    for served in (environment.live, environment.kept):
        if served is not None:
            _finish(served, DeploymentState.SUPERSEDED)
    environment.live = environment.kept = environment.undo_until = None
    _wide_awake(environment)
    environment.state = EnvironmentState.TERMINATED
    environment.terminated_at = timezone.now()
    environment.stop_cause, environment.stopped_by = cause or "", stopped_by[:200]
    announce(environment)


def announce(environment: Environment) -> None:
    """Save with a higher revision, so that agents, routes and the forge learn of the change after the commit."""
    if environment.state != EnvironmentState.TERMINATED:
        environment.state = _state(environment)
    tell_agents(environment)
    outbox.instruct(Instruction.REPORT, pull_request=environment.pull_request_id)
    wake_routes(environment)


def tell_agents(environment: Environment, *, above: int = 0) -> None:
    """Save with a revision higher than before and than `above`, and send it to every agent it is placed on."""
    environment.revision = max(environment.revision, above) + 1
    environment.save()
    placements.settle(environment)
    outbox.changed_environment(environment.pk)


def wake_routes(environment: Environment) -> None:
    """Have the workers read this environment's routes again once this transaction commits."""
    route_marks.mark(environment.pk)
    _notify(ROUTES_CHANNEL)


def wake_admissions() -> None:
    """Have a worker look which held candidates fit, once this transaction commits."""
    _notify(ADMISSIONS_CHANNEL)


def _notify(channel: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [channel])


def _state(environment: Environment) -> EnvironmentState:
    if environment.kept is not None:
        return EnvironmentState.STOPPED
    if environment.live is not None:
        asleep = environment.asleep_since is not None
        return EnvironmentState.HIBERNATING if asleep else EnvironmentState.RUNNING
    return EnvironmentState.BUILDING if environment.candidate is not None else EnvironmentState.PENDING


def _end_candidate(environment: Environment, state: DeploymentState) -> None:
    if environment.candidate is not None:
        _finish(environment.candidate, state)
        environment.candidate = None


def _finish(deployment: Deployment, state: DeploymentState) -> None:
    deployment.state = state
    deployment.waits_for = deployment.unconfirmed = ""
    if deployment.finished_at is None:
        deployment.finished_at = timezone.now()
    deployment.save()
    wake_admissions()  # there may be more room now
