"""Bypass tokens of projects, and guest links of environments."""

from django.db import models

from seatrial.control.ids import UlidField
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from seatrial.control.vault.fields import EncryptedTextField


class BypassToken(models.Model):
    """What programs show to get into all previews of a project. `digest` is SHA-256, in hex."""

    id = UlidField()
    project = models.OneToOneField(Project, models.CASCADE, related_name="bypass_token")
    token = EncryptedTextField()
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"bypass token of {self.project}"


class GuestLink(models.Model):
    """A link by which people without an account get into one preview, until `expires_at`. `digest` is SHA-256, in hex."""

    id = UlidField()
    environment = models.ForeignKey(Environment, models.CASCADE, related_name="guest_links")
    digest = models.CharField(max_length=64, unique=True)
    note = models.CharField(max_length=200, blank=True)  # for whom
    by = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="guest_link_age")]

    def __str__(self) -> str:
        return f"guest link of {self.environment}"
