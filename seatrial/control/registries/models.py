"""Registry logins, sealed."""

from django.db import models
from django.utils import timezone

from seatrial.control.accounts.models import Workspace
from seatrial.control.ids import UlidField
from seatrial.control.projects.models import Project, Tier
from seatrial.control.vault.fields import EncryptedTextField


class RegistryLogin(models.Model):
    """What one registry is given, by the previews of a workspace or of one of its projects, whose own wins.

    A row never changes: another user name or password is another row, so that images which were pulled with the former are not
    found with the new one.
    """

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="registry_logins")
    project = models.ForeignKey(
        Project, models.CASCADE, null=True, related_name="registry_logins"
    )  # None: all
    registry = models.CharField(max_length=260)  # host[:port], docker.io for Docker Hub
    tier = models.CharField(max_length=20, choices=Tier.choices, default=Tier.TRUSTED)
    username = models.CharField(max_length=255)
    password = EncryptedTextField()
    by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "registry", "tier"],
                condition=models.Q(project=None),
                name="one_registry_login_of_a_workspace",
            ),
            models.UniqueConstraint(
                fields=["project", "registry", "tier"],
                condition=~models.Q(project=None),
                name="one_registry_login_of_a_project",
            ),
        ]

    def __str__(self) -> str:
        return self.registry
