"""The transactional outbox."""

from django.db import models
from django.db.models.functions import Now

from seatrial.control.ids import UlidField


class OutboxMessage(models.Model):
    """An envelope that waits to be published, or was.

    Written in the transaction of the state change it announces. The relay publishes what is due in `id` order with
    `Nats-Msg-Id = id`, so a crash between publish and mark is harmless.
    """

    id = UlidField()
    subject = models.CharField(max_length=300)
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveIntegerField(default=0)  # that failed
    due_at = models.DateTimeField(db_default=Now())  # not sent before, by the database's clock
    published_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="outbox_unpublished", condition=models.Q(published_at=None)
            ),
            models.Index(
                fields=["published_at"], name="outbox_published", condition=~models.Q(published_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.id}"
