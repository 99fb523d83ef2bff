"""What GitLab sent to a project's webhook. It tells that since 17.3, for the last seven days, the payloads included."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from threading import Lock
from typing import Any

import httpx
import structlog

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.gitlab.answers import Hook, SentEvent
from seatrial.control.forges.gitlab.client import GitLabClient, NotAllowed, of_project
from seatrial.control.forges.gitlab.webhooks import TIMESTAMP, GitLabWebhooks
from seatrial.control.forges.http.problems import NoSuchThing
from seatrial.control.forges.protocol import KeptDelivery, MissedDelivery
from seatrial.control.projects.models import Project

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(days=7)
PER_PAGE = 20  # asked for more, GitLab refuses
MOST = 1000  # attempts at a time, because each comes with its payload; older ones are left to the comparison


@dataclass(frozen=True)
class _Attempt:
    delivery: str
    accepted: bool
    at: datetime | None  # GitLab does not always say
    kept: KeptDelivery


class Sent:
    """What was sent for the projects of one connection. Thread-safe."""

    def __init__(self, client: GitLabClient) -> None:
        self._client = client
        self._lock = Lock()
        self._said = False

    def missed(self, project: Project, url: str, since: datetime) -> list[MissedDelivery]:
        """Those sent to `url` of which no attempt was accepted, oldest first, with what was sent.

        A GitLab that does not tell (before 17.3) is a ForgeError, which the log has once. Raises ForgeError.
        """
        since = since.replace(microsecond=0)  # headers have whole seconds
        hooks = f"{of_project(project.external_id)}/hooks"
        ours = [hook for hook in self._client.pages(hooks, Hook) if hook.url == url]
        return [one for hook in ours for one in self._missed_of(f"{hooks}/{hook.id}", since)]

    def _missed_of(self, hook: str, since: datetime) -> list[MissedDelivery]:
        try:
            newest_first = list(self._attempts(hook, since))
        except (NoSuchThing, NotAllowed) as error:
            self._say_once(error)
            raise
        accepted = {one.delivery for one in newest_first if one.accepted}
        missed: dict[str, MissedDelivery] = {}
        at = since
        for one in reversed(newest_first):
            at = one.at or at  # at the earliest, where GitLab does not say
            if one.delivery not in accepted:
                found = MissedDelivery(delivery_id=one.delivery, reference=hook, sent_at=at, kept=one.kept)
                missed.setdefault(one.delivery, found)
        return list(missed.values())

    def _attempts(self, hook: str, since: datetime) -> Iterator[_Attempt]:
        """The newest first, as GitLab lists them. Attempts of one delivery have one id."""
        listed = self._client.pages(f"{hook}/events", SentEvent, {"per_page": str(PER_PAGE)})
        for event in islice(listed, MOST):
            attempt = _attempt(event)
            if attempt.at is not None and attempt.at < since:
                return
            if attempt.delivery:
                yield attempt

    def _say_once(self, error: ForgeError) -> None:
        with self._lock:
            first, self._said = not self._said, True
        if first:
            log.warning(
                "GitLab does not tell which webhooks failed; pull requests are still compared every minute",
                why=str(error),
            )


def _attempt(event: SentEvent) -> _Attempt:
    headers = httpx.Headers(_texts(event.request_headers))
    return _Attempt(
        delivery=GitLabWebhooks().read(headers).delivery_id,
        accepted=str(event.response_status).startswith("2"),  # in words when nobody answered
        at=event.created_at or _at(headers, httpx.Headers(_texts(event.response_headers))),
        kept=KeptDelivery(headers=headers, body=json.dumps(event.request_data).encode()),
    )


def _at(sent: httpx.Headers, answered: httpx.Headers) -> datetime | None:
    """When it was sent, by the headers: GitLab before 19 does not say it otherwise."""
    stamp = sent.get(TIMESTAMP, "")
    if stamp.isdecimal() and len(stamp) < 12:
        return datetime.fromtimestamp(int(stamp), UTC)
    try:
        answer = parsedate_to_datetime(answered.get("Date", ""))
    except ValueError:
        return None
    return answer if answer.tzinfo is not None else None


def _texts(content: Any) -> dict[str, str]:
    """The headers among what GitLab shows as such."""
    pairs = content.items() if isinstance(content, dict) else ()
    return {name: value for name, value in pairs if isinstance(value, str) and value.isprintable()}
