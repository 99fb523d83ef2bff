"""Policies, their versions, evaluations of commits, and waivers."""

from datetime import datetime
from typing import Any

from django.db import models, transaction

from seatrial.control.accounts.models import User, Workspace
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.ids import UlidField
from seatrial.control.policies.trials.models import Replay, Trial
from seatrial.control.policies.weighing import is_remark
from seatrial.control.projects.models import Project, PullRequest
from seatrial.wire.states import EvaluationState, Level, ResultState, WaiverState

__all__ = [
    "Evaluation",
    "NetworkPermission",
    "Policy",
    "PolicyVersion",
    "Replay",
    "Result",
    "Trial",
    "Waiver",
]


class Policy(models.Model):
    """An engineering standard. `criteria`: {events: [], ref: regex, languages: []}; empty means all."""

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="policies")
    slug = models.SlugField(max_length=100)
    name = models.CharField(max_length=200)
    pack = models.CharField(max_length=100, blank=True)
    enabled = models.BooleanField(default=True)
    level = models.CharField(max_length=20, choices=[(one, one) for one in Level], default=Level.SOFT)
    ratchet = models.BooleanField(default=False)  # what a project's baseline has is known, and fails nothing
    level_since = models.DateTimeField(null=True)  # null: since it was made
    # Of one that is advisory because it erred too often: {at, from, errors, of}, where `from` is the level before; else empty
    demotion = models.JSONField(default=dict)
    criteria = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "policies"
        constraints = [models.UniqueConstraint(fields=["workspace", "slug"], name="one_policy_slug")]

    def __str__(self) -> str:
        return self.slug

    def save(self, **options: Any) -> None:
        """A new policy is attached to all projects; what becomes of that is the business of `rollout`."""
        made = self._state.adding
        with transaction.atomic():
            super().save(**options)
            if made:
                Attachment.objects.create(policy=self, everything=True, by=str(SYSTEM))


class Attachment(models.Model):
    """To which projects a policy is rolled out: to all, to those with a label, to those of a stack, or to one; or, if it is
    `excluded`, to which of them it is not, and why. What names a project more closely counts: see `rollout.reaching`.
    """

    id = UlidField()
    policy = models.ForeignKey(Policy, models.CASCADE, related_name="attachments")
    everything = models.BooleanField(default=False)
    label = models.CharField(max_length=100, blank=True)
    stack = models.CharField(max_length=100, blank=True)
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="attachments")
    level = models.CharField(
        max_length=20, choices=[(one, one) for one in Level], blank=True
    )  # instead of the policy's
    starts_at = models.DateTimeField(null=True)  # before that, and for older pull requests, it is advisory
    excluded = models.BooleanField(default=False)
    reason = models.TextField(blank=True)  # of an exclusion
    by = models.CharField(max_length=200)  # as people read it: `str` of an Actor
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "everything", "label", "stack"],
                condition=models.Q(project=None),
                name="one_attachment_to_a_group",
            ),
            models.UniqueConstraint(
                fields=["policy", "project"],
                condition=models.Q(project__isnull=False),
                name="one_attachment_to_a_project",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy} {'not ' if self.excluded else ''}for {self.target}"

    @property
    def target(self) -> str:
        """What it names, as people read it; that of a project needs the project's row."""
        if self.project is not None:
            return self.project.slug
        if self.label:
            return f"projects labelled {self.label}"
        return f"projects of the stack {self.stack}" if self.stack else "all projects"


class Baseline(models.Model):
    """What a ratcheted policy had found in a project when the ratchet was put on, as far as it is still there."""

    policy = models.ForeignKey(Policy, models.CASCADE, related_name="baselines")
    project = models.ForeignKey(Project, models.CASCADE, related_name="baselines")
    fingerprints = models.JSONField(default=list)
    commit = models.CharField(max_length=64)  # at which it was found
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "project"], name="one_baseline")]

    def __str__(self) -> str:
        return f"baseline of {self.policy} in {self.project}"


class PolicyVersion(models.Model):
    """The code of a policy at one time. Never changed once made; the newest is the one that runs."""

    id = UlidField()
    policy = models.ForeignKey(Policy, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    description = models.TextField(blank=True)
    code = models.TextField()
    digest = models.CharField(max_length=64)
    params = models.JSONField(default=dict)
    tests = models.JSONField(default=list)  # its own: [{name, input, expected, params}]
    network = models.BooleanField(default=False)  # its author asks for the network
    live = models.BooleanField(default=False)  # it looks at the preview of a commit
    author = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)  # what it changes and why, for people
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="one_version_number")]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"


class NetworkPermission(models.Model):
    """That policies of a workspace may use the network if they ask for it. Without a row, none may."""

    workspace = models.OneToOneField(
        Workspace, models.CASCADE, primary_key=True, related_name="network_permission"
    )
    by = models.CharField(max_length=200)  # as people read it: `str` of an Actor
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"network for policies of {self.workspace}"


class BrokenGlass(models.Model):
    """That one commit passes for a while, whatever its policies say, because somebody answers for it."""

    id = UlidField()
    project = models.ForeignKey(Project, models.CASCADE, related_name="broken_glass")
    commit = models.CharField(max_length=64)
    reason = models.TextField()
    by = models.CharField(max_length=200)  # as people read it: `str` of an Actor
    own = models.BooleanField(default=False)  # they wrote the pull request themselves
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["project", "commit"], name="glass_of_commit"),
            models.Index(fields=["expires_at"], condition=models.Q(ended_at=None), name="glass_not_mended"),
        ]

    def __str__(self) -> str:
        return f"broken glass of {self.commit[:10]} in {self.project}"


class Evaluation(models.Model):
    """The matching policy versions, run on one commit. A newer commit of the same ref supersedes it."""

    id = UlidField()
    project = models.ForeignKey(Project, models.CASCADE, related_name="evaluations")
    pull_request = models.ForeignKey(PullRequest, models.SET_NULL, null=True, related_name="evaluations")
    commit = models.CharField(max_length=64)
    base_commit = models.CharField(max_length=64, blank=True)  # what it is compared with, if known
    ref = models.CharField(max_length=250, blank=True)
    event = models.CharField(max_length=30, blank=True)
    state = models.CharField(
        max_length=20, choices=[(s, s) for s in EvaluationState], default=EvaluationState.QUEUED
    )
    # It passes because this is broken, and `beneath` is what it would be without that; empty otherwise
    glass = models.ForeignKey(BrokenGlass, models.SET_NULL, null=True, related_name="+")
    beneath = models.CharField(max_length=20, choices=[(s, s) for s in EvaluationState], blank=True)
    score = models.FloatField(null=True)
    waived = models.PositiveIntegerField(default=0)  # how many of its results are
    remarks = models.PositiveIntegerField(default=0)  # how many would fail it, were they not advisory
    message = models.TextField(blank=True)  # why there is no verdict
    waits_for = models.TextField(blank=True)  # the facts, while they do not come, and why not
    isolation = models.CharField(max_length=20, blank=True)
    facts_digest = models.CharField(max_length=64, blank=True)  # of what the forge said about the repository
    program_digest = models.CharField(max_length=64, blank=True)  # of the program inside the sandbox
    python = models.CharField(max_length=40, blank=True)  # the version that the policies ran with
    agent = models.CharField(max_length=26, blank=True)
    deployment = models.CharField(max_length=26, blank=True)  # whose preview live policies look at
    versions = models.ManyToManyField(PolicyVersion, related_name="evaluations")
    # By a version's id: its level when this was made, which stays. Older evaluations have none: there was only soft.
    levels = models.JSONField(default=dict)
    # By a version's id: when it begins to gate, of those that are advisory here only because that is later, or was later than the
    # pull request
    begins = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(null=True)  # its job was published: the forge's facts are known
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="evaluation_age"),
            models.Index(fields=["project", "ref", "event", "id"], name="evaluation_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.project} {self.commit[:10]}"

    @property
    def shown_message(self) -> str:
        """Why there is no verdict, as people are told: for good, or yet."""
        return f"Waits for {self.waits_for}." if self.waits_for else self.message

    def level_of(self, version_id: str) -> Level:
        """The level of a policy's version in it."""
        return Level(self.levels.get(version_id, Level.SOFT))


class Result(models.Model):
    """What one policy version said in one evaluation."""

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="results")
    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="results")
    state = models.CharField(max_length=20, choices=[(s, s) for s in ResultState])
    score = models.FloatField(null=True)
    message = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    findings = models.JSONField(default=list)  # see `findings.findings_of`
    findings_left_out = models.PositiveIntegerField(default=0)
    known = models.JSONField(
        default=list
    )  # fingerprints of those findings that the baseline has, one for each
    logs = models.JSONField(default=list)
    seconds = models.FloatField(default=0)
    memoised = models.BooleanField(default=False)
    network = models.CharField(max_length=128, blank=True)  # that it ran with, by name
    tools = models.JSONField(default=list)  # whose facts it had: see `wire.evaluations.ToolRun`
    digests = models.JSONField(default=dict)  # what it depends on: see `wire.evaluations.Digests`

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "version"], name="one_result_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.evaluation} {self.version} {self.state}"

    @property
    def level(self) -> Level:
        """How much it weighs in its evaluation; advisory if all that it found is known."""
        level = self.evaluation.level_of(self.version_id)
        return Level.ADVISORY if level.gates and self.all_known else level

    @property
    def all_known(self) -> bool:
        """Whether there is nothing new in what it found."""
        return bool(self.known) and not self.findings_left_out and len(self.known) == len(self.findings)

    @property
    def begins(self) -> datetime | None:
        """When its policy begins to gate, if it is advisory here only because of that."""
        found = self.evaluation.begins.get(self.version_id)
        return datetime.fromisoformat(found) if found else None

    @property
    def is_remark(self) -> bool:
        """Whether it would fail the check, were its policy not advisory."""
        return is_remark(self.state, self.level)

    @property
    def ran_with(self) -> str:
        """What it had beyond the answers to its questions, as people are told everywhere; empty if nothing."""
        return f"ran with network ({self.network})" if self.network else ""


class Waiver(models.Model):
    """That failures of one policy version do not matter in one repository, or in a part of it, for a while.

    It covers all that the policy finds, or what it finds at `path` (a file, or everything in a folder), or the finding with
    this `fingerprint`. Only an approved one waives anything.
    """

    id = UlidField()
    project = models.ForeignKey(Project, models.CASCADE, related_name="waivers")
    version = models.ForeignKey(PolicyVersion, models.CASCADE, related_name="waivers")
    path = models.CharField(max_length=1000, blank=True)
    fingerprint = models.CharField(max_length=200, blank=True)
    reason = models.TextField()
    state = models.CharField(
        max_length=20, choices=[(s, s) for s in WaiverState], default=WaiverState.REQUESTED
    )
    requested_by = models.CharField(max_length=200)  # as people read it: `str` of an Actor
    # Who it was, so that nobody approves their own: one of them, unless the account was deleted since
    requester = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    requester_login = models.CharField(max_length=200, blank=True)  # of somebody who asked in a comment
    decided_by = models.CharField(max_length=200, blank=True)  # who approved or rejected it
    ended_by = models.CharField(max_length=200, blank=True)
    note = models.TextField(blank=True)  # what whoever decided or ended it said
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    results = models.ManyToManyField(
        Result, related_name="waivers"
    )  # those that it waives, or did when they were looked at

    class Meta:
        indexes = [models.Index(fields=["project", "version", "state"], name="waiver_of_version")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(path="") | models.Q(fingerprint=""), name="one_scope_of_waiver"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version.policy} in {self.project} {self.state}"
