"""What became of the tokens of connections to GitLab, which end after a year at most."""

from django.db import models

from seatrial.control.projects.models import Connection


class Rotation(models.Model):
    """The last attempt to replace a connection's token by a new one. `problem`: why it did not work; empty if it did.

    `asked_at`: since when GitLab may have revoked the token without the new one being stored; None: it has not.
    """

    connection = models.OneToOneField(
        Connection, models.CASCADE, related_name="gitlab_rotation", primary_key=True
    )
    asked_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"token of {self.connection}"
