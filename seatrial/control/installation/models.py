"""Which releases have prepared this database."""

from django.db import models


class Release(models.Model):
    """A release that has prepared this database. Written while the lock of `installation.lock` is held.

    A release that is older than the schema reads this to say which release wrote it: columns are only ever added.
    """

    name = models.CharField(max_length=100)
    commit = models.CharField(max_length=64, blank=True)
    noted_at = models.DateTimeField(auto_now_add=True)
    migrations = models.JSONField(default=list)  # those that it was the first to apply, as app.name

    def __str__(self) -> str:
        return f"{self.name} ({self.commit[:12]})" if self.commit else self.name
