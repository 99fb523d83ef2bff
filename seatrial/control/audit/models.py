"""The tables of the audit log. What is written stays as it is: database triggers refuse all else (see the migrations)."""

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


class UnsealedEntry(models.Model):
    """An entry that is in no seal yet. The database writes it together with the entry."""

    entry = models.CharField(max_length=26, primary_key=True)

    class Meta:
        db_table = "audit_unsealed"

    def __str__(self) -> str:
        return self.entry


class Seal(models.Model):
    """One link of the chain: what an entry was when it was sealed, and the seal before it. Numbers have no gaps."""

    number = models.BigIntegerField(primary_key=True)
    entry = models.CharField(max_length=26, unique=True)
    content = models.CharField(max_length=64)  # `canonical.content` of the entry
    hash = models.CharField(max_length=64)  # `canonical.link` of the former hash, the number and the content
    sealed_at = models.DateTimeField()

    class Meta:
        db_table = "audit_chain"
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


class Anchor(models.Model):
    """Where the chain begins since the entries up to `number` aged out. Only what an anchor covers can be deleted."""

    number = models.BigIntegerField(primary_key=True)
    hash = models.CharField(max_length=64)
    entries = models.BigIntegerField()  # how many went with it
    at = models.DateTimeField()

    class Meta:
        db_table = "audit_anchors"
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


class Verification(models.Model):
    """What the last verification of the chain found. There is one row."""

    at = models.DateTimeField()
    number = models.BigIntegerField()  # how far it holds
    hash = models.CharField(max_length=64)
    fault = models.CharField(max_length=20, blank=True)  # a `checking.FaultKind`; empty: it holds
    says = models.TextField(blank=True)  # the fault, for people

    class Meta:
        db_table = "audit_verification"

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"
