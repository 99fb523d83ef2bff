"""Digests, and when each workspace gets its next one."""

from django.db import models

from seatrial.control.accounts.models import Workspace
from seatrial.control.ids import UlidField


class Weekday(models.TextChoices):
    """When a digest is made. REST and `seatrial notices` say these words."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"
    NEVER = "never"


USUAL_DAY, USUAL_HOUR = Weekday.MONDAY, 7


class DigestTime(models.Model):
    """When a workspace gets digests (in UTC), and when the next one is due; null: never."""

    workspace = models.OneToOneField(Workspace, models.CASCADE, primary_key=True, related_name="digest_time")
    day = models.CharField(max_length=10, choices=Weekday.choices, default=USUAL_DAY)
    hour = models.PositiveSmallIntegerField(default=USUAL_HOUR)
    due_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.workspace}: {self.day} {self.hour}:00"


class Digest(models.Model):
    """What was new in a workspace between two moments. Never changed once made; `body` is a `shape.DigestBody`.

    The next one begins where this one ends, so each change is in one of them. `verdicts`: what each policy said of each project by then,
    for that one to compare with; none in older ones.
    """

    id = UlidField()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="digests")
    since = models.DateTimeField()
    until = models.DateTimeField()
    body = models.JSONField()
    verdicts = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "until"], name="one_digest_at_a_time")]
        indexes = [models.Index(fields=["until"], name="digest_age")]

    def __str__(self) -> str:
        return f"digest of {self.workspace} until {self.until:%Y-%m-%d}"

    @property
    def before(self) -> dict[tuple[str, str], str]:
        """The verdicts by the ids of project and policy."""
        return {
            (project, policy): word
            for key, word in self.verdicts.items()
            for project, policy in [key.split()]
        }

    @before.setter
    def before(self, verdicts: dict[tuple[str, str], str]) -> None:
        self.verdicts = {f"{project} {policy}": word for (project, policy), word in verdicts.items()}
