"""Which screenshots are to be taken, and what becomes of them. All of it is read from the rows, so whoever is killed is replaced."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.services import Instruction
from seatrial.control.previews.errors import NotComparable
from seatrial.control.previews.evidence.bases import base_of
from seatrial.control.previews.evidence.models import Screenshot, ScreenshotState
from seatrial.control.previews.models import Environment
from seatrial.wire.screenshots import ANSWER_SECONDS, AskScreenshot, NoScreenshot, Shown
from seatrial.wire.states import AgentState, EnvironmentState, ServiceKind, Tier

log = structlog.get_logger(__name__)

FRESH = timedelta(minutes=30)  # what has been live for longer is not looked at any more
AGAIN = timedelta(seconds=20)  # after an answer that another try may better
SILENT = timedelta(seconds=ANSWER_SECONDS + 10)  # whoever asked has ended meanwhile
MOST_TRIES = 3
MOST_SERVICES = 10  # of a deployment
NO_ANSWER = "its agent did not answer"
OVERTAKEN = "it was no longer live when it was to be taken"


@dataclass(frozen=True)
class Order:
    """A screenshot to be asked for, and the agent to ask."""

    screenshot: str
    agent: str
    question: AskScreenshot


def claimed(now: datetime, most: int) -> list[Order]:
    """Up to `most` screenshots that the caller asks for now: nobody else does before SILENT has passed."""
    _begin(now)
    if not Screenshot.objects.filter(state=ScreenshotState.ASKED).exists():
        return []  # as usual
    _give_up(now)
    with transaction.atomic():
        due = (
            Screenshot.objects.filter(_due(now), state=ScreenshotState.ASKED, tries__lt=MOST_TRIES)
            .filter(deployment__agent__state__in=[AgentState.ONLINE, AgentState.DRAINING])
            .defer("picture", "difference")
            .order_by("id")
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("deployment")
        )
        rows = list(due[:most])
        for row in rows:
            row.due_at, row.tries = now + SILENT, row.tries + 1
            row.save(update_fields=["due_at", "tries"])
    return [_order(row) for row in rows]


@transaction.atomic
def taken(screenshot: str, shown: Shown, png: bytes, now: datetime) -> None:
    """Keep the picture, and how it differs from what was before. A second one of the same is dropped."""
    row = _asked(screenshot)
    if row is None:
        return
    from seatrial.control.previews.evidence.differing import opened

    try:
        opened(png)
    except NotComparable:
        _fail(row, "its browser sent something that is no picture")
        return
    row.state, row.taken_at, row.problem = ScreenshotState.TAKEN, now, ""
    row.status, row.title = shown.status, shown.title
    row.width, row.height = shown.width, shown.height
    row.digest, row.picture = hashlib.sha256(png).hexdigest(), png
    _compare(row, png)
    row.save()
    outbox.instruct(Instruction.COMMENT, pull_request=row.deployment.environment.pull_request_id)


@transaction.atomic
def refused(screenshot: str, answer: NoScreenshot, now: datetime) -> None:
    """There is none: for good, or it is tried again in a while."""
    row = _asked(screenshot)
    if row is None:
        return
    if answer.not_yet or (answer.again and row.tries < MOST_TRIES):
        row.problem = answer.problem
        row.due_at = now + AGAIN
        row.tries -= answer.not_yet
        row.save(update_fields=["problem", "due_at", "tries"])
    else:
        _fail(row, answer.problem)


def _begin(now: datetime) -> None:
    """A row for each web service of what went live lately."""
    known = Screenshot.objects.filter(
        deployment=OuterRef("live")
    )  # of the fresh ones: there are rows of many former ones
    fresh = Environment.objects.filter(
        ~Exists(known), state=EnvironmentState.RUNNING, tier=Tier.RUNNING, live__finished_at__gt=now - FRESH
    )
    rows = [
        Screenshot(deployment=environment.live, service=service, due_at=now)
        for environment in fresh.select_related("live")
        if environment.live is not None
        for service in pictured(environment.live.services)
    ]
    Screenshot.objects.bulk_create(rows, ignore_conflicts=True)


def pictured(services: list[dict[str, object]]) -> list[str]:
    """Those of `wire.deployments.ObservedService` that a screenshot is taken of."""
    names = [str(one["name"]) for one in services if one["kind"] == ServiceKind.WEB and one.get("labels")]
    return names[:MOST_SERVICES]


def _due(now: datetime) -> Q:
    return Q(
        deployment__environment__live=F("deployment"),
        deployment__environment__tier=Tier.RUNNING,
        due_at__lte=now,
    )


def _give_up(now: datetime) -> None:
    waiting = Screenshot.objects.filter(state=ScreenshotState.ASKED)
    silent = waiting.filter(tries__gte=MOST_TRIES, due_at__lte=now)
    silent.update(state=ScreenshotState.FAILED, problem=NO_ANSWER)
    late = waiting.filter(deployment__finished_at__lt=now - FRESH).exclude(problem="")
    late.update(state=ScreenshotState.FAILED)
    overtaken = waiting.exclude(deployment__environment__live=F("deployment"))
    overtaken.update(state=ScreenshotState.FAILED, problem=OVERTAKEN)


def _asked(screenshot: str) -> Screenshot | None:
    rows = Screenshot.objects.select_for_update(of=("self",)).select_related(
        "deployment__environment__pull_request"
    )
    return rows.filter(pk=screenshot, state=ScreenshotState.ASKED).first()


def _fail(row: Screenshot, problem: str) -> None:
    row.state, row.problem = ScreenshotState.FAILED, problem
    row.save(update_fields=["state", "problem"])


def _compare(row: Screenshot, png: bytes) -> None:
    before, what = base_of(row)
    if before is None or before.picture is None:
        return
    from seatrial.control.previews.evidence.differing import difference

    row.before, row.compared_with = before, what
    if before.digest == row.digest:
        row.changed = 0.0
        return
    try:
        found = difference(bytes(before.picture), png)
    except NotComparable as error:
        log.warning("screenshots not compared", screenshot=row.pk, problem=str(error))
        row.before, row.compared_with = None, ""
        return
    row.changed, row.difference = found.changed, found.png


def _order(row: Screenshot) -> Order:
    deployment = row.deployment
    question = AskScreenshot(
        environment=deployment.environment_id, deployment=deployment.pk, service=row.service
    )
    return Order(row.pk, deployment.agent_id or "", question)
