"""Stored webhook deliveries, and what forges said about repositories."""

from django.db import models
from django.utils import timezone

from seatrial.control.ids import UlidField
from seatrial.control.projects.models import Connection, Project, PullRequest


class DeliveryResult(models.TextChoices):
    """What the intake decided. Operators read these words, on pages and in the documentation."""

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
            # Only accepted deliveries are unique: a rejected one, which anybody may send, must not block a genuine one.
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


class FactsSnapshot(models.Model):
    """What a forge said about a repository when `commit` was to be evaluated: a `wire.evaluations.ForgeFacts`.

    `etags` are those of the answers it was read from, by address.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="facts_snapshots")
    commit = models.CharField(max_length=64)
    facts = models.JSONField()
    etags = models.JSONField(default=dict)
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "commit"], name="one_facts_snapshot_per_commit")
        ]
        indexes = [
            models.Index(fields=["project", "-taken_at"], name="facts_newest"),
            models.Index(fields=["taken_at"], name="facts_age"),
        ]

    def __str__(self) -> str:
        return f"facts of {self.project} at {self.commit[:10]}"


class Hook(models.Model):
    """The webhook of a project at its forge. `problem`: why it is not as it should be; empty while it is."""

    project = models.OneToOneField(Project, models.CASCADE, related_name="hook", primary_key=True)
    problem = models.TextField(blank=True)
    asked_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"webhook of {self.project}"


class StoredBudget(models.Model):
    """What the forge last said to any process about a connection's budget. Written by `budgets`, never waited for.

    `left` of `most` requests until `resets_at`; nothing is asked before `paused_until`.
    """

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="budget", primary_key=True)
    left = models.PositiveIntegerField(null=True)
    most = models.PositiveIntegerField(null=True)
    resets_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    heard_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"budget of {self.connection}"


class PostedReport(models.Model):
    """What a forge was last told `about` a commit or a pull request; `digest` is that of the report."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="posted_reports")
    about = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    posted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "about"], name="one_posted_report")]
        indexes = [models.Index(fields=["posted_at"], name="posted_report_age")]

    def __str__(self) -> str:
        return f"report of {self.project} about {self.about}"


class Account(models.Model):
    """Whom a connection acts as, as its forge last said. `problem`: why it did not say so the last time; else empty."""

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="account", primary_key=True)
    login = models.CharField(max_length=200, blank=True)
    version = models.CharField(max_length=100, blank=True)  # what runs at the forge, as it says
    missing = models.JSONField(default=list)  # what the credential needs and lacks
    rights = models.JSONField(default=list)  # `protocol.Right` as plain data
    expires_at = models.DateTimeField(null=True)  # of the credential; null: never, or it is not known
    problem = models.TextField(blank=True)
    asked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.login} of {self.connection}"

    @property
    def ended(self) -> bool:
        """Whether the credential's time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()


class PostedComment(models.Model):
    """Our comment below a pull request. `digest` is that of the text it has, so that it is not sent again."""

    pull_request = models.OneToOneField(
        PullRequest, models.CASCADE, related_name="posted_comment", primary_key=True
    )
    external_id = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    posted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"comment below {self.pull_request}"
