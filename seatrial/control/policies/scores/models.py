"""The score of a project on one day."""

from django.db import models

from seatrial.control.projects.models import Project


class Basis(models.TextChoices):
    """Which verdicts a score is made of. REST says these words."""

    DEFAULT_BRANCH = "default_branch"
    PULL_REQUESTS = "pull_requests"  # the open ones, where the default branch has no verdict
    NOTHING = "nothing"


class DailyScore(models.Model):
    """What a project's current verdicts said when they were looked at last on `day`. The days before today never change.

    `score` None: nothing counts. `errored` counts those that timed out as well; neither they nor `waived` are in the score.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="daily_scores")
    day = models.DateField()
    score = models.FloatField(null=True)
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    waived = models.PositiveIntegerField(default=0)
    errored = models.PositiveIntegerField(default=0)
    basis = models.CharField(max_length=20, choices=Basis.choices, default=Basis.NOTHING)
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "day"], name="one_score_per_day")]
        indexes = [models.Index(fields=["day"], name="score_age")]

    def __str__(self) -> str:
        return f"{self.project} on {self.day}: {self.score}"
