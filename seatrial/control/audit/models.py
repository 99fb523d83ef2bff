"""The audit log's table. Updates and deletes are refused by database triggers (see the migrations)."""

from django.db import models

from seatrial.control.audit.actors import ActorKind
from seatrial.control.ids import UlidField


class AuditEntry(models.Model):
    """One thing somebody (or the system) did."""

    id = UlidField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.CharField(max_length=200)  # as people read it: `str` of an Actor
    actor_kind = models.CharField(max_length=10, choices=[(kind, kind) for kind in ActorKind])
    # The id of the actor's row, if it has one
    actor_key = models.CharField(max_length=26, blank=True, default="")
    action = models.CharField(max_length=100, db_index=True)  # noun.verb, e.g. project.create
    target = models.CharField(max_length=200)
    workspace = models.CharField(max_length=26, blank=True, db_index=True)
    address = models.GenericIPAddressField(null=True)
    details = models.JSONField(default=dict)  # never secrets

    class Meta:
        db_table = "audit_log"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target}"
