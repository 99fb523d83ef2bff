"""The value that tells a wrong master key from the right one at start."""

from django.db import models

from seatrial.control.vault.fields import EncryptedTextField


class MasterKeyCheck(models.Model):
    """One row, sealed by the first key this database met."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    value = EncryptedTextField()

    def __str__(self) -> str:
        return "master key check"
