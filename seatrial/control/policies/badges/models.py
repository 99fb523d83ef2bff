"""The public address of a project's badge."""

from django.db import models

from seatrial.control.ids import UlidField
from seatrial.control.projects.models import Project
from seatrial.control.vault.fields import EncryptedTextField


class PublicBadge(models.Model):
    """Whoever has the token may see the project's score, and nothing else of it. Without a row, the badge is private.

    The token is looked up by its SHA-256, so that how long that takes says nothing about other tokens.
    """

    id = UlidField()
    project = models.OneToOneField(Project, models.CASCADE, related_name="public_badge")
    token = EncryptedTextField()
    digest = models.CharField(max_length=64, unique=True)
    by = models.CharField(max_length=200)  # as people read it: `str` of an Actor
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"badge of {self.project}"
