"""Environments and deployments as programs see them, with a constant number of queries."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet, prefetch_related_objects
from ninja import Field, Schema

from seatrial.control.policies.current import floats
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews import disk
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.newest import newest_deployments
from seatrial.control.previews.recipes import FIRST
from seatrial.control.previews.routes import urls
from seatrial.control.previews.shown import shown_state
from seatrial.control.previews.sleeping.services import trouble
from seatrial.control.previews.waits import Wait, waits
from seatrial.wire.states import EnvironmentState

RUNS = {EnvironmentState.BUILDING, EnvironmentState.RUNNING, EnvironmentState.HIBERNATING}


class PhaseAnswer(Schema):
    """A timed part of a deployment; `seconds` is null while it lasts."""

    name: str = Field(
        description="checkout, recipe, build <service>, clone, start, migrate <service>, seed <service>, health or switch."
    )
    seconds: float | None = Field(description="How long it took; null while it lasts.")
    started_at: datetime = Field(description="When it began.")
    failed: bool = Field(description="Whether it failed.")


class BecauseAnswer(Schema):
    """What in a file decided something."""

    file: str = Field(description="The file's path.")
    says: str = Field(description="What it says, for people.")


class DetectedAnswer(Schema):
    """How a commit without a recipe is run."""

    title: str = Field(description="The language, and the framework if one is known, for people.")
    reasons: list[BecauseAnswer] = Field(
        description="Why the Dockerfile is like that, in the order of decisions."
    )
    dockerfile: str = Field(
        description="The Dockerfile that was made, to be committed by who wants to change it."
    )


class DeploymentAnswer(Schema):
    """One attempt to run one commit. `reason` is a stable word, `service` the one that failed.

    `message` says why it failed or, while it is under way, what it has been waiting for too long.
    """

    id: str = Field(description="Its id.")
    state: str = Field(description="queued, building, starting, live, failed, superseded or cancelled.")
    reason: str = Field(description="A stable word for why it failed; empty otherwise.")
    message: str = Field(description="Why it failed or what it waits for, for people.")
    service: str = Field(description="The service that failed; empty where it was none.")
    log_tail: list[str] = Field(description="The last lines of what failed.")
    commit: str = Field(description="The commit that it runs.")
    phases: list[PhaseAnswer] = Field(description="Its timed parts, in their order.")
    warnings: list[str] = Field(description="What is not as the recipe may expect, for people.")
    notes: list[str] = Field(description="What is worth knowing and asks nobody to act, for people.")
    isolation: str = Field(
        description="What its containers run in: runsc, runc or process; empty until it is known."
    )
    tier: str = Field(description="trusted or forks: what its code is trusted with.")
    private_networks: bool = Field(description="Whether it may connect to private networks.")
    recipe_folder: str = Field(
        description="The folder of the repository where its recipe is; empty: the root."
    )
    detected: DetectedAnswer | None = Field(
        description="What was detected of a commit without a recipe; null with one, and until it is known."
    )


class DiskAnswer(Schema):
    """What the containers of a preview have written and its volumes hold, and the most that they may."""

    used_mb: int = Field(description="Megabytes that they hold.")
    most_mb: int = Field(description="Megabytes at which the preview is stopped.")
    text: str = Field(description="The same for people, with what is large once it is much.")


class EnvironmentAnswer(Schema):
    """A preview. `commit` is the live one, or else the last one that was tried; `deployment` is the newest.

    `removed` is true when its agents have confirmed that nothing of it is left. If it was stopped while its pull
    request was open, `stop_cause` is the stable word for why, and `stopped_by` says who or what stopped it, for people.
    While that can be undone, the state is stopped, and `undo_until` says how long everything is kept.
    `waits_for` says for people what has to happen before it is as wanted; it is empty when nothing has to.
    """

    id: str = Field(description="Its id.")
    name: str = Field(description="The first label of its addresses, such as pr-1-shop.")
    state: str = Field(
        description="pending, building, running, failed (nothing runs), stopped (can be undone), hibernating or terminated."
    )
    commit: str = Field(description="What is served, or else what was tried last.")
    number: int = Field(description="The pull request's number at its forge.")
    project: str = Field(description="Id of its project.")
    recipe: str = Field(
        description="Which further recipe of its project it is of, by its folder; empty: the first."
    )
    urls: dict[str, str] = Field(
        description="The address of each service that has one, by the service's name."
    )
    page_url: str = Field(description="Its page on this server.")
    floats: str = Field(
        description="What live policies say of it: queued, running, passed, failed, errored, timed_out or superseded; empty: none looks."
    )
    deployment: DeploymentAnswer | None = Field(
        description="The newest deployment; null before there is one."
    )
    live_commit: str | None = Field(description="The commit that visitors reach; null while there is none.")
    stop_cause: str = Field(
        description="A stable word for why it was stopped while its pull request was open; empty otherwise."
    )
    stopped_by: str = Field(description="Who or what stopped it, for people.")
    expires_at: datetime | None = Field(
        description="When it ends without a new commit; null when it does not run, or is pinned."
    )
    pinned_by: str = Field(description="Who keeps it beyond its time to live; empty: nobody, and it ends.")
    tier: str = Field(
        description="running, paused or stopped: how much of it is to run; less than running only while it is hibernating."
    )
    asleep_since: datetime | None = Field(description="Since when it is hibernating; null when it is not.")
    waking: bool = Field(description="Whether it is hibernating, and was woken.")
    wake_trouble: str = Field(
        description="Why it does not wake, for people; empty when it does or may still."
    )
    undo_until: datetime | None = Field(
        description="How long everything is kept for an undo; null when nothing can be undone."
    )
    removed: bool = Field(description="Whether nothing of it is left on any host.")
    waits_for: str = Field(description="What has to happen next, for people; empty when nothing has to.")
    waiting_since: datetime | None = Field(description="Since when; null when it waits for nothing.")
    disk: DiskAnswer | None = Field(
        description="What it holds on its host, or held when it was stopped; null while nobody has looked."
    )
    queue_place: int = Field(
        description="Its place among those that wait for the same, the first being 1; 0: it is in no queue."
    )
    queue_length: int = Field(description="How many wait for the same, itself included.")
    waits_for_room: bool = Field(
        description="Whether what it waits for is room in its project: nothing of it starts before."
    )


def answers(environments: QuerySet[Environment]) -> list[EnvironmentAnswer]:
    """The answers for `environments`, in their order."""
    rows = list(environments.select_related("live__agent", "candidate", "pull_request"))
    newest = newest_deployments(row.pk for row in rows)
    prefetch_related_objects(list(newest.values()), "phases")
    waiting = waits(row.pk for row in rows)
    floating = _floating(rows)
    return [
        _answer(
            newest[row.pk].environment if row.pk in newest else row,
            newest.get(row.pk),
            waiting.get(row.pk),
            floating.get(row.pull_request_id, "") if row.recipe == FIRST else "",
        )
        for row in rows
    ]


def _floating(environments: Iterable[Environment]) -> dict[str, str]:
    """By pull request, the state of the newest evaluation of its preview by the first recipe, which live policies look at."""
    rows = floats(Evaluation.objects.filter(pull_request__in=[one.pull_request_id for one in environments]))
    newest = rows.order_by("pull_request", "-id").distinct("pull_request")
    return dict(newest.values_list("pull_request", "state"))


def page_url(environment: Environment) -> str:
    """The environment's page."""
    return f"{settings.SITE_URL}/environments/{environment.pk}"


def _answer(
    environment: Environment, deployment: Deployment | None, wait: Wait | None, floating: str
) -> EnvironmentAnswer:
    live_commit = environment.live.commit if environment.live else None
    return EnvironmentAnswer(
        id=environment.pk,
        name=environment.name,
        state=shown_state(environment.state, deployment.state if deployment else None),
        commit=live_commit or (deployment.commit if deployment else ""),
        number=environment.pull_request.number,
        project=environment.project_id,
        recipe=environment.recipe,
        urls=urls(environment),
        page_url=page_url(environment),
        floats=floating,
        deployment=_deployment(deployment) if deployment else None,
        live_commit=live_commit,
        stop_cause=environment.stop_cause,
        stopped_by=environment.stopper,
        expires_at=environment.expires_at if environment.state in RUNS and not environment.pinned else None,
        pinned_by=environment.pinned_by,
        tier=environment.tier,
        asleep_since=environment.asleep_since,
        waking=environment.waking_since is not None,
        wake_trouble=trouble(environment),
        undo_until=environment.undo_until,
        removed=environment.removed_at is not None,
        waits_for=wait.what if wait else "",
        waiting_since=wait.since if wait else None,
        disk=_disk(environment),
        queue_place=wait.place if wait else 0,
        queue_length=wait.queued if wait else 0,
        waits_for_room=wait is not None and wait.for_room,
    )


def _disk(environment: Environment) -> DiskAnswer | None:
    use = disk.use_of(environment)
    if use is None:
        return None
    return DiskAnswer(used_mb=use.used_mb, most_mb=use.most_mb, text=disk.sentence(use))


def _deployment(deployment: Deployment) -> DeploymentAnswer:
    return DeploymentAnswer(
        id=deployment.pk,
        state=deployment.state,
        reason=deployment.reason,
        message=deployment.shown_message,
        service=deployment.failed_service,
        log_tail=deployment.log_tail,
        commit=deployment.commit,
        phases=[
            PhaseAnswer(
                name=phase.name, seconds=phase.seconds, started_at=phase.started_at, failed=phase.failed
            )
            for phase in deployment.phases.all()
        ],
        warnings=deployment.warnings,
        notes=deployment.notes,
        isolation=deployment.isolation,
        tier=deployment.tier,
        private_networks=deployment.private_networks,
        recipe_folder=deployment.recipe_folder,
        detected=DetectedAnswer(**deployment.detected) if deployment.detected else None,
    )
