"""Addresses that are told, and what they were told."""

from django.db import models

from seatrial.control.accounts.models import Workspace
from seatrial.control.ids import UlidField
from seatrial.control.vault.fields import EncryptedTextField


class NoticeKind(models.TextChoices):
    """What there can be notices of. REST and the notices themselves say these words."""

    EVALUATION_FINISHED = "evaluation_finished"
    SCORE_FELL = "score_fell"
    POLICIES_BROKEN = "policies_broken"
    WEEKLY_DIGEST = "weekly_digest"
    TEST = "test"  # somebody tries an address; nobody subscribes to it

    @property
    def word(self) -> str:
        """For people."""
        return _WORDS[self]


_WORDS = {
    NoticeKind.EVALUATION_FINISHED: "An evaluation has ended",
    NoticeKind.SCORE_FELL: "A score fell",
    NoticeKind.POLICIES_BROKEN: "Policies in git are broken",
    NoticeKind.WEEKLY_DIGEST: "The weekly digest",
    NoticeKind.TEST: "A test",
}
# What an address can be told of
KINDS = tuple(kind for kind in NoticeKind if kind is not NoticeKind.TEST)


class Subscription(models.Model):
    """An address that is told of some kinds of things in a workspace. Its secret signs each notice."""

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="subscriptions")
    url = models.CharField(max_length=500)
    kinds = models.JSONField(default=list)
    secret = EncryptedTextField()
    by = models.CharField(max_length=200)  # as people read it: `str` of an Actor
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "url"], name="one_subscription_per_address")
        ]

    def __str__(self) -> str:
        return f"subscription of {self.workspace}"


class Notice(models.Model):
    """One thing that one address is told. `status` and `problem` are of the last attempt; `over`: there will be no other."""

    id = UlidField()
    subscription = models.ForeignKey(Subscription, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=30, choices=NoticeKind.choices)
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    problem = models.TextField(blank=True)
    over = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="notice_age")]

    def __str__(self) -> str:
        return f"notice {self.pk}"

    @property
    def about(self) -> str:
        """What it tells, for people."""
        return NoticeKind(self.kind).word

    @property
    def outcome(self) -> str:
        """What became of it, in one word for people."""
        if self.over:
            return "given up" if self.problem else "done"
        return "updating" if self.attempts else "queued"
