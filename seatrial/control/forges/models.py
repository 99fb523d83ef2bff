"""Stored webhook deliveries, and the local forge's own pull requests."""

from django.db import models

from seatrial.control.ids import UlidField
from seatrial.control.projects.models import Connection, Project, PullRequestState


class DeliveryResult(models.TextChoices):
    """What the intake said. The words are the operator's documentation."""

    ACCEPTED = "accepted"
    REJECTED_SIGNATURE = "rejected (signature)"
    REJECTED_SECRET = "rejected (secret unavailable)"  # noqa: S105
    REJECTED_PARSE = "rejected (parse)"


class Delivery(models.Model):
    """One webhook request, stored before it is acknowledged, handled after. How long it is kept: `retention`."""

    id = UlidField()
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="deliveries")
    delivery_id = models.CharField(max_length=200)  # the forge's own id
    event = models.CharField(max_length=100)
    headers = models.JSONField(default=dict)  # without signatures and tokens
    body = models.BinaryField()
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)
    result = models.CharField(max_length=40, choices=DeliveryResult.choices)
    handled_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    outcome = models.TextField(blank=True)  # what it led to, for people

    class Meta:
        constraints = [
            # Only what was accepted is de-duplicated: a rejected delivery must not block its honest repeat.
            models.UniqueConstraint(
                fields=["connection", "delivery_id"],
                condition=models.Q(result="accepted"),
                name="one_accepted_delivery",
            )
        ]
        indexes = [
            models.Index(
                fields=["id"],
                name="delivery_unhandled",
                condition=models.Q(handled_at=None, result="accepted"),
            ),
            models.Index(
                fields=["connection", "id"], name="delivery_rejected", condition=~models.Q(result="accepted")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.delivery_id}"


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
