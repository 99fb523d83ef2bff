"""The value that is used at start to check the master key."""

from django.db import models

from seatrial.control.vault.fields import EncryptedTextField


class MasterKeyCheck(models.Model):
    """One row, sealed with the first key that was used with this database."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    value = EncryptedTextField()

    def __str__(self) -> str:
        return "master key check"
