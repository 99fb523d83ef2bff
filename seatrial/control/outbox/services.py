"""Messages that commit with the state change they announce, and the queue of them.

`publish`, `changed_environment` and `instruct` write a row in the caller's transaction. If that is rolled back, nothing
is published; once it commits, the row is published at least once, however often web and worker die. NOTIFY wakes the
worker's relay at commit; a sweep finds the rows of missed notifications.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from psycopg.types.json import Jsonb

from seatrial.control.database_errors import AWAY
from seatrial.control.outbox.errors import Away, NotYet
from seatrial.control.outbox.models import OutboxMessage
from seatrial.wire.envelope import Envelope, Message, new_id

CHANNEL = "seatrial_outbox"
CLAIMED = timedelta(seconds=20)
RENEWED_SECONDS = 5.0
CLAIM_LOCK = 0x5EA71  # PostgreSQL advisory lock
MAX_DELAY_SECONDS = 600.0
MAX_BUS_DELAY_SECONDS = (
    30.0  # messages that wait for the bus are tried soon after it is back, however often they failed
)
MAX_WISH_SECONDS = 3_600.0


class Instruction(StrEnum):
    """Subjects of rows that are not messages for the bus, but work for a relay.

    Each names a thing, never an event: the relay reads the thing's state when it does the work.
    """

    # {environment}: compute its desired state for each agent it is on, and put or delete that
    DESIRED = "desired"
    BUCKET = "bucket"  # {agent}: make the bucket of a new agent
    REVOKE = "revoke"  # {public_key}: cut a user off
    # To the forge: {pull_request} lists its preview, {project, commit} reports the verdict on a commit, {project, preview_of}
    # what a commit says about its preview, {review} what it would make of policies
    REPORT = "report"
    FACTS = "facts"  # {evaluation}: fetch its commit's facts from the forge, then queue it
    COMMENT = "comment"  # {pull_request}: write our comment below it
    CHECK = "check"  # {project, commit, order, by, at, recipe}: do what somebody asked for at a report, if they may
    WEBHOOK = "webhook"  # {project}: make, correct or remove its webhook at the forge
    CONFIRM = "confirm"  # {deployment}: ask the forge about its pull request, then let it start
    COMMAND = "command"  # {comment}: carry out the commands in a comment, and answer there
    TRIAL = "trial"  # {trial}: have its project's facts, then hand it to an agent
    FOLLOW = "follow"  # {project}: have the previews of its pull requests follow its settings
    FLOAT = "float"  # {pull_request}: have live policies look at its preview, as that is now
    SCORE = "score"  # {project}: take its score of today
    SIGN = "sign"  # {evaluation}: sign its results as they are
    RESCAN = "rescan"  # {target}: evaluate what is newest there
    NOTICE = "notice"  # {notice}: send it to its address
    REVIEW = "review"  # {review}: read the policies that a pull request would change, or judge their tests
    POLICIES = "policies"  # {source}: look at the branch in which a workspace keeps its policies, and take what is new


# These may wait long for other systems; nothing on the bus depends on them.
ASIDE = (
    Instruction.REVOKE,
    Instruction.REPORT,
    Instruction.FACTS,
    Instruction.COMMENT,
    Instruction.CHECK,
    Instruction.WEBHOOK,
    Instruction.CONFIRM,
    Instruction.COMMAND,
    Instruction.TRIAL,
    Instruction.FOLLOW,
    Instruction.FLOAT,
    Instruction.SCORE,
    Instruction.SIGN,
    Instruction.NOTICE,
    Instruction.POLICIES,
    Instruction.REVIEW,
    Instruction.RESCAN,
)


def channel(subject: str) -> str:
    """The channel that is notified of a new row of `subject`: each of ASIDE has its own, all others share CHANNEL."""
    return f"{CHANNEL}_{subject}" if subject in ASIDE else CHANNEL


# Whatever happens writes several rows. One statement costs the writer an eighth of what the model and a NOTIFY cost, which
# is delivered at commit, once per transaction.
_WRITE = """
    WITH written AS (
        INSERT INTO outbox_outboxmessage (id, subject, body, created_at, attempts, due_at)
        VALUES (%s, %s, %s, %s, 0, STATEMENT_TIMESTAMP() + %s) RETURNING id
    )
    SELECT pg_notify(%s, '') FROM written
"""

CHANNELS = (CHANNEL, *(channel(instruction) for instruction in ASIDE))


def publish(subject: str, message: Message, *, workspace: str, about: str) -> Envelope:
    """Publish `message` on `subject` once the caller's transaction commits. Raises MalformedMessage if too big."""
    envelope = Envelope.wrap(message, workspace=workspace, about=about)
    envelope.encode()
    _write(envelope.id, subject, envelope.model_dump(mode="json"))
    return envelope


def changed_environment(environment_id: str, *, after: timedelta = timedelta(0)) -> None:
    """Send the environment's desired state again once the caller's transaction commits and `after` has passed."""
    _write(new_id(), Instruction.DESIRED, {"environment": environment_id}, after)


def instruct(instruction: Instruction, *, after: timedelta = timedelta(0), **body: str) -> None:
    """Have a relay do something once the caller's transaction commits and `after` has passed."""
    _write(new_id(), instruction, body, after)


def hasten(instruction: Instruction, **part: str) -> None:
    """Of what was instructed with this `part` of its body and is not due yet, have a relay do the oldest once the caller's
    transaction commits. A claim on it ends by that, so it may be done twice."""
    rows = OutboxMessage.objects.filter(subject=instruction, published_at=None, due_at__gt=Now())
    oldest = rows.filter(body__contains=part).order_by("id").values_list("pk", flat=True)[:1]
    if OutboxMessage.objects.filter(pk__in=list(oldest)).update(due_at=Now()):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [channel(instruction)])


def relay(send: Callable[[OutboxMessage], None], *, limit: int = 100) -> int:
    """Call `send` with up to `limit` due rows for the bus, oldest first, and mark those that it sent.

    Rows stay locked meanwhile, so several relays share the queue without sending a row twice. When `send` raises Away,
    the rows before it are marked, the rest wait for the next call, and the error is raised again. After any other error
    that one row waits, longer each time but at most MAX_BUS_DELAY_SECONDS, and the next row is sent. Returns how many
    rows were tried.
    """
    away: Away | None = None
    sent: list[str] = []
    tried = 0
    with transaction.atomic():
        rows = _due().exclude(subject__in=ASIDE).select_for_update(skip_locked=True)
        for row in rows.order_by("id")[:limit]:
            try:
                with transaction.atomic():
                    send(row)
                sent.append(row.pk)
            except AWAY:
                raise  # the database is away
            except Away as error:
                away = error
                break
            except Exception as error:
                _postpone([row.pk], row.attempts, error, longest=MAX_BUS_DELAY_SECONDS)
            tried += 1
        _mark(sent)
    if away is not None:
        raise away
    return tried


def unsent_since() -> datetime | None:
    """Since when the oldest message has waited that the bus should have by now; None: it has all."""
    due = Q(due_at__lte=Now()) | Q(attempts__gt=0)
    rows = OutboxMessage.objects.filter(due, published_at=None).exclude(subject__in=ASIDE)
    oldest = rows.order_by("id").first()
    if oldest is None:
        return None
    return oldest.created_at if oldest.attempts else max(oldest.created_at, oldest.due_at)


def relay_aside(instruction: Instruction, send: Callable[[OutboxMessage], None]) -> bool:
    """Call `send` with the newest row of one target of `instruction` (one of ASIDE); True when a row was due.

    No transaction is open while `send` runs, so it may take long: the claim on its rows is renewed until it returns.
    Rows with the same body have the same target and count as one: they are sent once, marked together, and never sent
    by two relays at the same time. When `send` raises, all of them wait. The claim of a process that died ends within
    CLAIMED, and another process repeats the work; the same happens when the database was away for that long. So `send`
    must be idempotent.
    """
    # Asked first: each lane ends with a look that finds nothing, and this one waits for no claim of another lane
    rows = _claim(instruction) if _due().filter(subject=instruction).exists() else []
    if not rows:
        return False
    identities = [row.pk for row in rows]
    try:
        with _renewed(identities):
            send(rows[-1])
    except AWAY:
        raise  # the database is away; the claim ends by itself
    except Exception as error:
        _postpone(identities, max(row.attempts for row in rows), error)
    else:
        _mark(identities)
    return True


def due_channels() -> set[str]:
    """The channels of which a row is due now."""
    return {channel(subject) for subject in _due().order_by().values_list("subject", flat=True).distinct()}


def _write(identity: str, subject: str, body: dict[str, Any], after: timedelta = timedelta(0)) -> None:
    values: list[Any] = [identity, subject, Jsonb(body), timezone.now(), after, channel(subject)]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)


def _due() -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(published_at=None, due_at__lte=Now())


@transaction.atomic
def _claim(instruction: Instruction) -> list[OutboxMessage]:
    """All rows of the target that has waited longest. Until CLAIMED has passed, nobody else gets them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])
    same = OutboxMessage.objects.filter(subject=OuterRef("subject"), body=OuterRef("body"), published_at=None)
    elsewhere = same.filter(due_at__gt=Now())  # being sent, or waiting after a failure
    oldest = _due().filter(~Exists(elsewhere), subject=instruction).order_by("due_at", "id").first()
    if oldest is None:
        return []
    target = OutboxMessage.objects.filter(subject=oldest.subject, body=oldest.body, published_at=None)
    rows = list(target.order_by("id"))
    _later([row.pk for row in rows], CLAIMED)
    return rows


@contextlib.contextmanager
def _renewed(identities: list[str]) -> Iterator[None]:
    """Renew the claim while the block runs, from another thread, because the block may wait for long."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEWED_SECONDS):
            with contextlib.suppress(*AWAY), contextlib.closing(connection):
                _later(identities, CLAIMED)

    thread = threading.Thread(target=renew, name="claim", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()  # a renewal after the end would postpone rows that are due


def _postpone(
    identities: list[str], attempts: int, error: Exception, *, longest: float = MAX_DELAY_SECONDS
) -> None:
    seconds = min(2 ** min(attempts + 1, 30), longest)
    if isinstance(error, NotYet):
        seconds = max(seconds, min(error.seconds, MAX_WISH_SECONDS))
    _later(identities, timedelta(seconds=seconds), attempts=attempts + 1)


def _later(identities: list[str], delay: timedelta, **fields: int) -> None:
    OutboxMessage.objects.filter(pk__in=identities).update(due_at=Now() + delay, **fields)


def _mark(identities: list[str]) -> None:
    OutboxMessage.objects.filter(pk__in=identities).update(published_at=timezone.now())
