"""The audit log's table. Updates and deletes are refused by database triggers (see the migrations)."""

from django.db import models

from seatrial.control.ids import UlidField


class AuditEntry(models.Model):
    """One thing somebody (or the system) did."""

    id = UlidField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    # Username, `username (token:<name>)`, `agent:<name>` or `system`.
    actor = models.CharField(max_length=200)
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
