"""The transactional outbox."""

from django.db import models

from seatrial.control.ids import UlidField


class OutboxMessage(models.Model):
    """An envelope waiting for, or past, its publication.

    Written in the transaction of the state change it announces. The relay publishes in `id` order with
    `Nats-Msg-Id = id`, so a crash between publish and mark is harmless.
    """

    id = UlidField()
    subject = models.CharField(max_length=300)
    body = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="outbox_unpublished", condition=models.Q(published_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.id}"
