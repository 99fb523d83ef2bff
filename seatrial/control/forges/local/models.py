"""The local forge's own pull requests."""

from django.db import models

from seatrial.control.projects.models import Project, PullRequestState


class LocalPullRequest(models.Model):
    """A branch that somebody opened as a pull request on the local forge.

    `announced_*` is what the last acknowledged webhook said. While that differs from the branch's head or from `state`,
    the worker sends another.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="local_pull_requests")
    number = models.PositiveIntegerField()
    branch = models.CharField(max_length=250)
    state = models.CharField(max_length=10, choices=PullRequestState.choices, default=PullRequestState.OPEN)
    head_sha = models.CharField(max_length=64, blank=True)
    announced_sha = models.CharField(max_length=64, blank=True)
    announced_state = models.CharField(max_length=10, blank=True)
    # How many webhooks were acknowledged; part of the next delivery's id.
    announcements = models.PositiveIntegerField(default=0)
    # When `state` or `head_sha` last changed, by the clock of this machine
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_local_number"),
            models.UniqueConstraint(fields=["project", "branch"], name="one_local_branch"),
        ]

    def __str__(self) -> str:
        return f"{self.project} #{self.number} {self.branch}"
