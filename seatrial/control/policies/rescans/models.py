"""Re-scans, what each of them is about, and when projects are due."""

from django.db import models

from seatrial.control.accounts.models import Workspace
from seatrial.control.ids import UlidField
from seatrial.control.projects.models import Project, PullRequest


class Outcome(models.TextChoices):
    """What became of a target. REST says these words."""

    WAITING = "waiting"  # for its turn
    UNDER_WAY = "under_way"
    EVALUATED = "evaluated"
    NOT_APPLICABLE = "not_applicable"  # no policy applies, or not the one that is run
    OVERTAKEN = "overtaken"  # a newer commit came, whose own evaluation says more
    GONE = "gone"  # it was archived, removed or closed
    UNREACHABLE = "unreachable"  # its code host did not say which commit is the newest
    STOPPED = "stopped"

    @property
    def open(self) -> bool:
        """Whether something is still to come."""
        return self in {Outcome.WAITING, Outcome.UNDER_WAY}

    @property
    def word(self) -> str:
        """For people."""
        return str(self.value).replace("_", " ")


class Rescan(models.Model):
    """The policies of one or many projects, run again on what is newest there. Its targets are known from the start.

    `policy`: it is run because of this one, and only where that applies; whatever else applies there is run too, and remembered where
    nothing changed. `fresh`: nothing is remembered, because what is sought may change with time alone.
    """

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="rescans")
    policy = models.ForeignKey("policies.Policy", models.SET_NULL, null=True, related_name="rescans")
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="rescans")  # null: many
    scheduled = models.BooleanField(default=False)
    fresh = models.BooleanField(default=False)
    by = models.CharField(max_length=200)  # as people read it: `str` of an Actor
    left_out = models.PositiveIntegerField(default=0)  # targets that it has no room for
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    stopped_by = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["workspace", "id"], name="rescans_of_workspace")]

    def __str__(self) -> str:
        return f"re-scan of {self.project or self.workspace}"

    @property
    def state(self) -> str:
        """In one word: running, stopped (although something may still be under way), finished."""
        if self.stopped_by:
            return "stopped"
        return "running" if self.finished_at is None else "finished"

    @property
    def about(self) -> str:
        """What it runs on, for people; needs the rows of its policy and its project."""
        if self.project is not None:
            return self.project.name
        return f"projects of {self.policy.name}" if self.policy is not None else "all projects"


class RescanTarget(models.Model):
    """One default branch, or one open pull request."""

    id = UlidField()
    rescan = models.ForeignKey(Rescan, models.CASCADE, related_name="targets")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    pull_request = models.ForeignKey(PullRequest, models.CASCADE, null=True, related_name="+")
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default=Outcome.WAITING)
    why = models.TextField(blank=True)  # for people, where the outcome needs it
    evaluation = models.ForeignKey(
        "policies.Evaluation", models.SET_NULL, null=True, related_name="rescan_targets"
    )
    # The evaluation of the same commit that said the same before: code hosts have heard it
    repeats = models.ForeignKey("policies.Evaluation", models.SET_NULL, null=True, related_name="+")
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["rescan", "outcome"], name="targets_of_rescan"),
            models.Index(
                fields=["outcome"], condition=models.Q(ended_at=None), name="rescan_targets_under_way"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} {self.outcome}"

    @property
    def word(self) -> str:
        """What became of it, for people."""
        return Outcome(self.outcome).word

    @property
    def news(self) -> bool:
        """Whether it said something else than the evaluation before it."""
        return (
            self.outcome == Outcome.EVALUATED and self.evaluation_id is not None and self.repeats_id is None
        )


class Due(models.Model):
    """When a project is re-scanned next, as its setting said when that was worked out."""

    project = models.OneToOneField(Project, models.CASCADE, primary_key=True, related_name="rescan_due")
    setting = models.CharField(max_length=100)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.project} at {self.at:%Y-%m-%d %H:%M}"
