"""Screenshots of services."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from seatrial.control.ids import UlidField
from seatrial.control.previews.models import Deployment


class ScreenshotState(models.TextChoices):
    """Whether there is a picture."""

    ASKED = "asked"
    TAKEN = "taken"
    FAILED = "failed"


class ComparedWith(models.TextChoices):
    """What a screenshot is compared with."""

    NOTHING = ""
    BASE_BRANCH = "base_branch"  # a preview of the branch that the pull request is for
    MERGED = "merged"  # what was merged last into that branch, as its preview was
    PREVIOUS = "previous"  # the deployment before, of the same preview


class Screenshot(models.Model):
    """One service of one deployment, as a browser saw it once the deployment was live. There is one row for each, whatever became of it.

    What the pictures showed stays known when the pictures themselves are too old to be kept.
    """

    id = UlidField()
    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="screenshots")
    service = models.CharField(max_length=63)
    state = models.CharField(max_length=10, choices=ScreenshotState.choices, default=ScreenshotState.ASKED)
    problem = models.TextField(blank=True)  # why there is none, for people
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)  # while it is asked for: when that is done next
    taken_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)  # of the answer that the page came with
    title = models.CharField(max_length=200, blank=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the picture
    picture = models.BinaryField(null=True)  # a PNG
    before = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")
    compared_with = models.CharField(max_length=20, choices=ComparedWith.choices, blank=True, default="")
    changed = models.FloatField(null=True)  # percent of the larger picture
    difference = models.BinaryField(null=True)  # a PNG

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deployment", "service"], name="one_screenshot_of_a_service")
        ]
        indexes = [
            models.Index(fields=["due_at"], name="screenshot_due", condition=Q(state=ScreenshotState.ASKED)),
            models.Index(fields=["taken_at"], name="screenshot_kept", condition=Q(picture__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.service} of {self.deployment_id}"


PICTURES = ("picture", "difference")  # which lists do without
