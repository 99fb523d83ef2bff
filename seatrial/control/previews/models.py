"""Environments, deployments and their phases, and the placements that say on which hosts something of them is."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.fleet.models import Agent
from seatrial.control.ids import UlidField
from seatrial.control.projects.models import Gate, Project, PullRequest
from seatrial.control.projects.models import Tier as Trust
from seatrial.wire.states import DeploymentState, EnvironmentState, SnapshotState, Tier
from seatrial.wire.words import StopCause


class Environment(models.Model):
    """The preview of one pull request by one recipe of its project. `revision` grows with every change of its desired state on any agent."""

    id = UlidField()
    project = models.ForeignKey(Project, models.CASCADE, related_name="environments")
    pull_request = models.ForeignKey(PullRequest, models.CASCADE, related_name="environments")
    # Which further recipe of its project, by its folder; empty: the first, wherever that is (`previews.recipes`)
    recipe = models.CharField(max_length=200, blank=True, default="")
    name = models.CharField(max_length=63)
    state = models.CharField(
        max_length=20, choices=[(s, s) for s in EnvironmentState], default=EnvironmentState.PENDING
    )
    revision = models.PositiveBigIntegerField(default=0)
    live = models.ForeignKey("Deployment", models.SET_NULL, null=True, related_name="+")
    candidate = models.ForeignKey("Deployment", models.SET_NULL, null=True, related_name="+")
    kept = models.ForeignKey(
        "Deployment", models.SET_NULL, null=True, related_name="+"
    )  # what an undo makes live
    services = models.JSONField(default=list)  # the last `wire.deployments.ObservedService` list of `live`
    observed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    expires_at = models.DateTimeField(null=True)
    terminated_at = models.DateTimeField(null=True)  # since then, nothing of it may exist
    # Why it was stopped while its pull request was open, and by whom if a person did it.
    stop_cause = models.CharField(max_length=20, choices=[(c, c) for c in StopCause], blank=True, default="")
    stopped_by = models.CharField(max_length=200, blank=True)
    pinned_by = models.CharField(
        max_length=200, blank=True, default=""
    )  # while somebody keeps it from expiring
    # How it sleeps: see `previews.sleeping`
    tier = models.CharField(max_length=10, choices=[(t, t) for t in Tier], default=Tier.RUNNING)
    visited_at = models.DateTimeField(null=True)  # or deployed, or woken: the last that counts
    asleep_since = models.DateTimeField(null=True)  # since then, its visitors are asked about, and wake it
    settles_at = models.DateTimeField(null=True)  # until then, its containers run, though it is asleep
    waking_since = models.DateTimeField(null=True)  # since then, it is to run, and has not said that it does
    # `wire.deployments.DiskUse`: what it holds on its host, or held when it was stopped; None: nobody has told
    disk = models.JSONField(null=True)
    data_generation = models.PositiveIntegerField(default=0)  # how often its data was to be emptied
    undo_until = models.DateTimeField(null=True)  # while it is stopped: from then on, nothing of it is kept
    removed_at = models.DateTimeField(null=True)  # since then, nothing of it exists on any host

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                condition=~Q(state=EnvironmentState.TERMINATED),
                name="one_living_environment_name",
            ),
            models.UniqueConstraint(
                fields=["pull_request", "recipe"],
                condition=~Q(state=EnvironmentState.TERMINATED),
                name="one_living_environment_per_recipe",
            ),
        ]
        indexes = [
            models.Index(
                fields=["terminated_at"],
                name="environment_ended",
                condition=Q(state=EnvironmentState.TERMINATED),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def pinned(self) -> bool:
        """Whether its time to live does not end it."""
        return bool(self.pinned_by)

    @property
    def stopper(self) -> str:
        """Who or what stopped it, for people; empty if it was not stopped, or ended with its pull request."""
        causes: dict[str, str] = {
            StopCause.TIME_TO_LIVE: "its time to live",
            StopCause.DISK_FULL: "a full disk",
        }
        return causes.get(self.stop_cause, self.stopped_by)

    @property
    def shown_agent(self) -> Agent | None:
        """The agent that pages show: that of the live deployment, or of the candidate, or of the last one tried."""
        for deployment in (self.live, self.candidate):
            if deployment is not None and deployment.agent is not None:
                return deployment.agent
        placed = self.deployments.exclude(agent=None).select_related("agent").order_by("-id").first()
        return placed.agent if placed is not None else None


class Snapshot(models.Model):
    """The data of a preview as somebody saved it, on one agent; see `previews.snapshots`. It outlives its environment."""

    id = UlidField()
    project = models.ForeignKey(Project, models.CASCADE, related_name="snapshots")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="snapshots")
    environment = models.ForeignKey(Environment, models.SET_NULL, null=True, related_name="snapshots")
    source = models.CharField(max_length=63)  # the environment's name
    recipe = models.CharField(max_length=200, blank=True, default="")  # as `Environment.recipe`
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in SnapshotState], default=SnapshotState.SAVING
    )
    problem = models.TextField(blank=True, default="")  # why it was not saved
    reflinked = models.BooleanField(default=False)
    for_forks = models.BooleanField(default=False)  # previews of forks begin with it, too
    saved_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)  # since then, nothing of it may exist

    class Meta:
        indexes = [models.Index(fields=["ended_at"], name="snapshot_ended", condition=~Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.source} {self.pk}"

    @property
    def is_saved(self) -> bool:
        """Whether it was saved; it may have been removed since."""
        return self.state == SnapshotState.SAVED


class Deployment(models.Model):
    """One attempt to run one commit in an environment, on one agent, which never changes once it is set."""

    id = UlidField()
    environment = models.ForeignKey(Environment, models.CASCADE, related_name="deployments")
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="deployments")
    gate = models.ForeignKey(
        Gate, models.RESTRICT, null=True, related_name="deployments"
    )  # None: everybody gets in
    commit = models.CharField(max_length=64)
    branch = models.CharField(max_length=250, blank=True)
    state = models.CharField(
        max_length=20, choices=[(s, s) for s in DeploymentState], default=DeploymentState.QUEUED
    )
    reason = models.CharField(max_length=50, blank=True)
    message = models.TextField(blank=True)  # why it failed
    waits_for = models.TextField(
        blank=True
    )  # while it does: an agent or its route, and why that does not come
    failed_service = models.CharField(max_length=63, blank=True)
    log_tail = models.JSONField(default=list)
    warnings = models.JSONField(default=list)  # what may be wrong
    notes = models.JSONField(default=list)  # what nobody need act on
    # `wire.deployments.Detected`: how its Dockerfile was made; None while it has not been told, and with a recipe of its own.
    detected = models.JSONField(null=True)
    services = models.JSONField(default=list)  # `wire.deployments.ObservedService` list when it became ready
    isolation = models.CharField(max_length=20, blank=True)
    # As they were when it began: what its code is trusted with, and whether it connects to private networks
    tier = models.CharField(max_length=20, choices=Trust.choices, default=Trust.TRUSTED)
    private_networks = models.BooleanField(default=False)
    no_cache = models.BooleanField(default=False)
    recipe_folder = models.CharField(
        max_length=500, blank=True, default=""
    )  # as its project had it when it began
    # What its services may use together, as its agent read it in the recipe; None: nobody has told yet.
    cpus = models.FloatField(null=True)
    memory_mb = models.PositiveIntegerField(null=True)
    admitted_at = models.DateTimeField(
        null=True
    )  # since then, its services may start; see `previews.admission`
    # Since then it may start: its forge has said that its pull request is open; see `previews.confirming`.
    confirmed_at = models.DateTimeField(null=True)
    unconfirmed = models.TextField(blank=True, default="")  # what it waits for until then, and why
    created_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True)  # healthy; from now on routes are moved to it
    finished_at = models.DateTimeField(null=True)
    delivery_received_at = models.DateTimeField(null=True)  # of the webhook that caused it

    class Meta:
        indexes = [models.Index(fields=["finished_at"], name="deployment_age")]

    def __str__(self) -> str:
        return f"{self.environment} {self.commit[:10]}"

    @property
    def shown_message(self) -> str:
        """Why it failed or what it waits for, as people are told."""
        waits_for = self.unconfirmed or self.waits_for
        return f"Waits for {waits_for}." if waits_for else self.message


class Placement(models.Model):
    """Something of the environment is, or may be, on the agent's host; see `previews.placements`.

    `revision` is the environment's revision when the desired state on this agent changed last. So it also grows when an
    environment leaves an agent and is placed there again.
    """

    id = UlidField()
    environment = models.ForeignKey(Environment, models.CASCADE, related_name="placements")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="placements")
    revision = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    leaving_since = models.DateTimeField(null=True)  # since then, no deployment is desired there
    removed_at = models.DateTimeField(null=True)  # since then, nothing of it exists there

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "agent"],
                condition=Q(removed_at=None),
                name="one_placement_per_environment_and_agent",
            )
        ]
        indexes = [models.Index(fields=["removed_at"], name="placement_ended", condition=~Q(removed_at=None))]

    def __str__(self) -> str:
        return f"{self.environment} on {self.agent}"


class DeploymentPhase(models.Model):
    """A timed part of a deployment. `name` is what `wire.words.Phase.named` makes of it."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="phases")
    name = models.CharField(max_length=80)
    started_at = models.DateTimeField()
    seconds = models.FloatField(null=True)
    failed = models.BooleanField(default=False)

    class Meta:
        ordering = ["started_at", "id"]
        constraints = [models.UniqueConstraint(fields=["deployment", "name"], name="one_phase_name")]

    def __str__(self) -> str:
        return f"{self.deployment} {self.name}"


class Label(models.Model):
    """A label of a hostname, and the workspace that it belongs to: see `previews.labels`. Never deleted."""

    label = models.CharField(max_length=63, primary_key=True)
    workspace = models.ForeignKey(Workspace, models.PROTECT, related_name="+")
    # The environment that claimed it last. Another one of the workspace may claim it once that one is terminated.
    environment = models.ForeignKey(Environment, models.SET_NULL, null=True, related_name="labels")
    claimed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.label


class RouteMark(models.Model):
    """The number of the transaction that last changed an environment's routes; see `previews.route_marks`."""

    environment = models.OneToOneField(
        Environment, models.CASCADE, primary_key=True, related_name="route_mark"
    )
    transaction = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"{self.environment_id} {self.transaction}"
