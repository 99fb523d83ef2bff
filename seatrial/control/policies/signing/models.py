"""The keys that sign results, and what they signed."""

from django.db import models

from seatrial.control.ids import UlidField
from seatrial.control.policies.models import Evaluation
from seatrial.control.vault.fields import EncryptedTextField


class SigningKey(models.Model):
    """One Ed25519 key of this installation. The current one signs; of a retired one only the public half is kept, for ever."""

    id = UlidField()
    key_id = models.CharField(max_length=64, unique=True)
    public = models.TextField()  # PEM
    private = EncryptedTextField(blank=True)  # PEM; empty once it is retired
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(retired_at=None), name="one_current_signing_key"
            )
        ]

    def __str__(self) -> str:
        return f"signing key {self.key_id[:16]}"


class Attestation(models.Model):
    """The signed results of an evaluation, as they are now: signed when it ended, and again when a waiver changed them."""

    evaluation = models.OneToOneField(
        Evaluation, models.CASCADE, primary_key=True, related_name="attestation"
    )
    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="attestations")
    statement_digest = models.CharField(max_length=64)  # of what it says, without when it was signed
    envelope = models.JSONField()
    signed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"attestation of {self.evaluation_id}"
