"""The local forge's own pull requests."""

from django.db import models

from seatrial.control.projects.models import Project, PullRequestState


class LocalPullRequest(models.Model):
    """A branch that somebody opened as a pull request on the local forge.

    `announced_*` is what the last acknowledged webhook said; the worker sends another while they differ from the
    truth (the branch's head, and `state`).
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="local_pull_requests")
    number = models.PositiveIntegerField()
    branch = models.CharField(max_length=250)
    state = models.CharField(max_length=10, choices=PullRequestState.choices, default=PullRequestState.OPEN)
    head_sha = models.CharField(max_length=64, blank=True)
    announced_sha = models.CharField(max_length=64, blank=True)
    announced_state = models.CharField(max_length=10, blank=True)
    # Acknowledged ones; part of the next delivery's id.
    announcements = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField()  # when `state` or `head_sha` last changed: the local forge's clock

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_local_number"),
            models.UniqueConstraint(fields=["project", "branch"], name="one_local_branch"),
        ]

    def __str__(self) -> str:
        return f"{self.project} #{self.number} {self.branch}"
