"""What the ingress served when it was looked at last."""

from django.db import models


class Source(models.TextChoices):
    """Where the ingress has its certificates from."""

    ACME = "acme"
    OWN = "own"
    NONE = "none"


class Served(models.Model):
    """The certificate of one name: facts only. What follows from them depends on the time: see `states`.

    The worker's look alone writes it. `unanswered` says why the newest look saw nothing; the rest is then of the one before.
    """

    name = models.CharField(max_length=255, primary_key=True)  # a host name, or *.domain for all below it
    source = models.CharField(max_length=8, choices=Source)
    looked_at = models.DateTimeField()
    since = models.DateTimeField()  # since when this certificate is served
    fingerprint = models.CharField(max_length=64, blank=True)  # SHA-256; empty before any was seen
    issuer = models.CharField(max_length=255, blank=True)
    names = models.JSONField(default=list)
    not_before = models.DateTimeField(null=True)
    not_after = models.DateTimeField(null=True)
    is_stopgap = models.BooleanField(default=False)  # the one that Traefik makes for itself
    mistrust = models.CharField(
        max_length=255, blank=True
    )  # why a client that knows our authorities refuses it
    unanswered = models.CharField(max_length=255, blank=True)
    said = models.TextField(
        blank=True
    )  # what the ingress, or the check of files, said went wrong since `since`

    def __str__(self) -> str:
        return self.name
