"""Stored webhook deliveries, what forges said about repositories, and where they had to be asked because no webhook came."""

from datetime import datetime

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


class Ending(models.TextChoices):
    """How the handling of an accepted delivery ended. Operators read these words, on pages and in REST."""

    DONE = "done"
    IGNORED = "ignored"  # nothing follows from such an event
    NOT_CONNECTED = "not connected"  # no project is connected to its repository
    GIVEN_UP = "given up"  # every attempt failed


class Delivery(models.Model):
    """One webhook request, stored before it is acknowledged, handled after. How long it is kept: `retention`.

    `external_id`, `repository` and `number` say what it is about, once somebody has tried to handle it. `fetched`: it did
    not come, and was read from the forge, which had kept it. A replay sets `handled_at` to None and `attempts` to 0.
    """

    id = UlidField()
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="deliveries")
    delivery_id = models.CharField(max_length=200)  # the forge's own id
    event = models.CharField(max_length=100)
    headers = models.JSONField(default=dict)  # without signatures and tokens
    body = models.BinaryField()
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)
    fetched = models.BooleanField(default=False)
    result = models.CharField(max_length=40, choices=DeliveryResult.choices)
    handled_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    outcome = models.TextField(blank=True)  # what it led to, for people
    ending = models.CharField(max_length=20, choices=Ending.choices, blank=True)  # empty until handled
    external_id = models.CharField(max_length=500, blank=True)  # the forge's id of the repository
    repository = models.CharField(max_length=500, blank=True)  # its full name, as the payload has it
    number = models.PositiveIntegerField(null=True)  # of the pull request
    replayed_at = models.DateTimeField(null=True)  # when the last replay was asked for
    replayed_by = models.CharField(max_length=200, blank=True)

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

    @property
    def waits_since(self) -> datetime:
        """Since when it has waited to be handled, or had."""
        return self.replayed_at or self.received_at


class Attempt(models.Model):
    """One attempt to handle a delivery. `by` asked for it, if it is one of a replay."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="tries")
    at = models.DateTimeField(auto_now_add=True)
    failed = models.BooleanField()
    outcome = models.TextField(blank=True)
    by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"attempt of {self.delivery_id}"


class FactsSnapshot(models.Model):
    """What a forge said about a repository when `commit` was to be evaluated: a `wire.evaluations.ForgeFacts`.

    `etags` are those of the answers it was read from, by address. `asked`: when what takes requests of its own was asked for last
    (ISO 8601), maybe for another commit.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="facts_snapshots")
    commit = models.CharField(max_length=64)
    facts = models.JSONField()
    etags = models.JSONField(default=dict)
    asked = models.JSONField(default=dict)
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
    """What the forge last said to any process about a connection's budget, and how fast all of them together ask. Written by
    `budgets`, never waited for.

    A GitHub App has one for each `installation`, whose name is that of its account, and one for itself. `left` of `most`
    requests until `resets_at`; nothing is asked before `paused_until`. Each of the meters says until when what was asked is
    paid for, see `http.turns`.
    """

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="budgets")
    installation = models.CharField(
        max_length=20, blank=True, default=""
    )  # its id; empty: the connection's own
    name = models.CharField(max_length=200, blank=True, default="")
    left = models.PositiveIntegerField(null=True)
    most = models.PositiveIntegerField(null=True)
    resets_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    points_until = models.DateTimeField(null=True)
    changes_until = models.DateTimeField(null=True)
    content_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "installation"], name="one_budget")]
        ordering = ("installation",)

    def __str__(self) -> str:
        return f"budget of {self.connection}"


class Told(models.TextChoices):
    """What forges are told reports of. Words of ours, which nobody sees."""

    VERDICT = "verdict"  # about a commit
    FLOATS = "floats"  # about a commit: the verdict on its preview
    REVIEW = "review"  # about a commit: the verdict on the policies that it would change
    PREVIEW = "preview"  # about a commit
    DEPLOYMENT = "deployment"  # about a pull request, by its number


class PostedReport(models.Model):
    """What a forge was last told `about` a commit or a pull request, or its preview by a recipe; `digest` is that of the report.

    `sending`: a report was begun, and nobody knows whether the forge heard it. `unfinished`: what it heard, or may have,
    promises that more will follow; so more must.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="posted_reports")
    what = models.CharField(max_length=20, choices=Told.choices)
    about = models.CharField(max_length=64)
    recipe = models.CharField(max_length=200, blank=True, default="")  # of a preview, as `Environment.recipe`
    digest = models.CharField(max_length=64, blank=True)
    sending = models.BooleanField(default=False)
    unfinished = models.BooleanField(default=False)
    posted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "what", "about", "recipe"], name="one_posted_report")
        ]
        indexes = [
            models.Index(fields=["posted_at"], name="posted_report_age"),
            models.Index(
                fields=["project", "what"],
                name="posted_report_unfinished",
                condition=models.Q(unfinished=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} of {self.project} about {self.about}"


class Comparison(models.Model):
    """When a project was last compared with its forge, and until when the deliveries that the forge keeps were looked at.

    `compared_at` is by our clock, `read_until` by the forge's.
    """

    project = models.OneToOneField(Project, models.CASCADE, related_name="comparison", primary_key=True)
    compared_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    read_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"comparison of {self.project}"


class DriftKind(models.TextChoices):
    """What had happened at the forge without a webhook."""

    OPENED = "opened"
    CLOSED = "closed"
    PUSHED = "pushed"
    MISSED = "missed"  # the forge had kept a webhook that did not come


class Drift(models.Model):
    """A change that no webhook told: it was found by asking the forge, and made up for `at` that time.

    It counts once it is confirmed: no webhook came for it in `drift.GRACE` either. How long it is kept: `retention`.
    """

    id = UlidField()
    project = models.ForeignKey(Project, models.CASCADE, related_name="drifts")
    kind = models.CharField(max_length=10, choices=DriftKind.choices)
    number = models.PositiveIntegerField(null=True)  # of the pull request
    at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["project", "at"], name="drift_of_project"),
            models.Index(fields=["at"], name="drift_age"),
        ]

    def __str__(self) -> str:
        return f"{self.project}: {self.kind}"


class DriftTotal(models.Model):
    """How many drifts of a kind a connection has ever had: unlike the rows, it only grows."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="drift_totals")
    kind = models.CharField(max_length=10, choices=DriftKind.choices)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["connection", "kind"], name="one_drift_total")]

    def __str__(self) -> str:
        return f"{self.connection}: {self.count} {self.kind}"


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

    @property
    def untold(self) -> bool:
        """Whether there are rights of which the forge does not say whether the credential has them."""
        return any(right["given"] is None for right in self.rights)


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
