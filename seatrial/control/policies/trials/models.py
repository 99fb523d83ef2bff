"""Trials and replays. Nothing that counts refers to them."""

from django.db import models

from seatrial.control.accounts.models import Workspace
from seatrial.control.ids import UlidField
from seatrial.control.projects.models import Project, PullRequest
from seatrial.wire.states import ResultState, TrialState

STATES = [(s, s) for s in TrialState]
SAID = [(s, s) for s in ResultState]


class Replay(models.Model):
    """One policy, tried on the newest commits of many projects beside the version in force.

    `tried`: what is run on every commit, see `Trial.tried`: first the code in question, then that of the version in force, unless
    it is the same or there is none.
    """

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="replays")
    policy = models.ForeignKey("policies.Policy", models.CASCADE, null=True, related_name="replays")
    version = models.ForeignKey("policies.PolicyVersion", models.CASCADE, null=True, related_name="replays")
    in_force = models.ForeignKey("policies.PolicyVersion", models.CASCADE, null=True, related_name="+")
    slug = models.SlugField(max_length=100)
    tried = models.JSONField(default=list)
    commits = models.PositiveIntegerField()  # of each project's default branch, at most
    left_out = models.PositiveIntegerField(default=0)  # commits that it has no room for
    state = models.CharField(max_length=20, choices=STATES, default=TrialState.RUNNING)
    message = models.TextField(blank=True)  # why it ended early
    by = models.CharField(max_length=200)  # as people read it: `str` of an Actor
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["policy", "id"], name="replays_of_policy")]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"],
                condition=models.Q(state=TrialState.RUNNING),
                name="one_replay_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"replay of {self.slug} {self.state}"


class Trial(models.Model):
    """Policies run once: on one commit, or on their own tests.

    `tried`: a list of {key, slug, code, params, network, live, languages, tests}, where `key` is the id of a version, or made up for code
    that nobody has saved; empty for one of a replay, which has it. `results`: what was said, in that order, as `results.row` writes it.
    """

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="trials")
    replay = models.ForeignKey(Replay, models.CASCADE, null=True, related_name="trials")
    policy = models.ForeignKey("policies.Policy", models.CASCADE, null=True, related_name="trials")
    version = models.ForeignKey("policies.PolicyVersion", models.CASCADE, null=True, related_name="trials")
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="trials")
    pull_request = models.ForeignKey(PullRequest, models.SET_NULL, null=True, related_name="trials")
    commit = models.CharField(max_length=64, blank=True)  # empty: it is of tests
    base_commit = models.CharField(max_length=64, blank=True)
    ref = models.CharField(max_length=250, blank=True)
    place = models.PositiveIntegerField(default=0)  # in its replay, for its project: 0 is the newest commit
    tried = models.JSONField(default=list)
    state = models.CharField(max_length=20, choices=STATES, default=TrialState.QUEUED)
    message = models.TextField(blank=True)  # why there is no result
    said = models.CharField(
        max_length=20, choices=SAID, blank=True
    )  # the state of its first result on a commit
    said_in_force = models.CharField(max_length=20, choices=SAID, blank=True)  # and by the version in force
    results = models.JSONField(default=list)
    isolation = models.CharField(max_length=20, blank=True)
    agent = models.CharField(max_length=26, blank=True)
    deployment = models.CharField(max_length=26, blank=True)  # whose preview live policies look at
    seconds = models.FloatField(null=True)
    by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    begun_at = models.DateTimeField(null=True)  # None: its turn in its replay has not come
    queued_at = models.DateTimeField(null=True)  # None: no agent knows of it yet
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["version", "id"], name="trials_of_version"),
            models.Index(fields=["replay", "state"], name="trials_of_replay"),
            models.Index(fields=["state", "begun_at"], name="trials_begun"),
        ]

    def __str__(self) -> str:
        return f"trial {self.pk} {self.state}"

    @property
    def of_tests(self) -> bool:
        """Whether it runs tests, and no commit."""
        return not self.commit
