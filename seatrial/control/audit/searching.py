"""Which entries of the audit log somebody wants to see: by actor, action, target and time, in any combination."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Self

from django.db.models import QuerySet

from seatrial.control.audit.models import AuditEntry
from seatrial.control.inputs import InvalidInput

RECENT = 5000  # entries, of which the actions are named on the page: all would take long in a long log


@dataclass(frozen=True)
class Wanted:
    """`action` is the beginning of one, such as `user.`; actor and target need only contain the text. `until` is the first
    moment that is too late. All but empty ones must agree."""

    actor: str = ""
    action: str = ""
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def read(cls, values: dict[str, str]) -> Self:
        """From what somebody typed. Raises InvalidInput for what is no time."""
        return cls(
            values["actor"],
            values["action"],
            values["target"],
            _moment("From", values["since"]),
            _moment("Until", values["until"]),
        )

    def as_details(self) -> dict[str, str]:
        """For an entry about whoever asked."""
        return {name: str(value) for name, value in asdict(self).items() if value}


def matching(rows: QuerySet[AuditEntry], wanted: Wanted) -> QuerySet[AuditEntry]:
    """Those of `rows` that are wanted."""
    if wanted.actor:
        rows = rows.filter(actor__icontains=wanted.actor)
    if wanted.action:
        rows = rows.filter(action__startswith=wanted.action)
    if wanted.target:
        rows = rows.filter(target__icontains=wanted.target)
    if wanted.since:
        rows = rows.filter(at__gte=in_utc(wanted.since))
    if wanted.until:
        rows = rows.filter(at__lt=in_utc(wanted.until))
    return rows


def actions_of(rows: QuerySet[AuditEntry]) -> list[str]:
    """The actions of the newest `rows`, by name."""
    newest = rows.order_by("-id").values("pk")[:RECENT]
    of = AuditEntry.objects.filter(pk__in=newest).order_by("action")
    return list(of.values_list("action", flat=True).distinct())


def in_utc(moment: datetime) -> datetime:
    """A time without an offset is in UTC, as everything that we say is."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moment(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        return in_utc(datetime.fromisoformat(text))
    except ValueError as error:
        raise InvalidInput(
            f"{name}: {text[:40]} is no time. Write one such as 2026-05-31T09:30, in UTC."
        ) from error
