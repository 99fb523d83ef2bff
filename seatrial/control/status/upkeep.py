"""What an operator has to keep an eye on at this server: its schema, queues, secrets, audit log and tokens."""

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import cache, lru_cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from seatrial.control.accounts.models import ApiToken
from seatrial.control.audit.checking import VERIFY_AGE
from seatrial.control.audit.models import Verification
from seatrial.control.keys.reentry import MOST, reentries
from seatrial.control.outbox.queues import MESSAGE, queues
from seatrial.control.status.check import About, Check
from seatrial.control.vault.errors import VaultError
from seatrial.wire.counted import counted

LATE = timedelta(minutes=10)
SHOWN = 5
TOKEN_WARNED_BEFORE = timedelta(days=7)
LOOKED_AGAIN_SECONDS = 30.0  # what is asked of many tables: watchers ask every second


def of_upkeep() -> Iterator[Check]:
    """One line each for what is wrong, and for what is right where an operator would wonder."""
    yield from _schema()
    yield from _queues()
    yield from _secrets()
    yield from _audit()
    yield from _tokens()


def _schema() -> Iterator[Check]:
    missing = _on_disk() - set(MigrationRecorder(connection).applied_migrations())
    if missing:
        names = ", ".join(sorted(f"{app}.{name}" for app, name in missing)[:SHOWN])
        yield Check(
            About.SCHEMA,
            False,
            f"The database lacks {counted(len(missing), 'migration')} of this release: {names}",
            "Stop every process of Seatrial and start it again: the first one brings the database up to date",
        )
    else:
        yield Check(About.SCHEMA, True, "The database has every migration of this release")


@cache
def _on_disk() -> frozenset[tuple[str, str]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(key for key, one in loader.disk_migrations.items() if not one.replaces)


def _queues() -> Iterator[Check]:
    late = timezone.now() - LATE
    for queue in queues():
        if queue.kind != MESSAGE and queue.since < late:
            failed = f", {queue.failed} of which failed before and are tried again" if queue.failed else ""
            waiting = counted(queue.waiting, f"order to {queue.kind}", f"orders to {queue.kind}")
            yield Check(
                About.QUEUE,
                False,
                f"{waiting} waited since {queue.since:%Y-%m-%d %H:%M} UTC{failed}",
                "The worker's log says why, at the word of the order; a code host that is away or out of requests is the usual reason",
                grave=False,
            )


def _secrets() -> Iterator[Check]:
    lost = _lost(int(time.monotonic() / LOOKED_AGAIN_SECONDS))
    if not lost:
        yield Check(About.SECRETS, True, "Every stored secret has its key")
        return
    number = f"at least {MOST}" if len(lost) == MOST else str(len(lost))
    yield Check(
        About.SECRETS,
        False,
        f"No key here opens {number} of the stored secrets: {'; '.join(lost[:SHOWN])}",
        "Give the key that sealed them as a fallback, or enter them again: the page Keys lists each with its place",
    )


@lru_cache(maxsize=1)
def _lost(_: int) -> list[str]:
    try:
        return [one.what for one in reentries()]
    except VaultError as error:
        return [str(error)]


def _audit() -> Iterator[Check]:
    found = Verification.objects.order_by("-at").first()
    if found is None:
        return  # the first is made within a day
    at = f"{found.at:%Y-%m-%d %H:%M} UTC"
    if found.fault:
        yield Check(
            About.AUDIT,
            False,
            f"The audit log was tampered with or damaged, as was seen at {at}: {found.says}",
            "See how far it holds with `seatrial audit verify`, and compare it with a backup",
        )
    elif timezone.now() - found.at > 2 * VERIFY_AGE:
        yield Check(
            About.AUDIT,
            False,
            f"The audit log was verified last at {at}",
            "The worker does it every day: its log says what is in the way",
            grave=False,
        )
    else:
        yield Check(About.AUDIT, True, f"The audit log holds, as was verified at {at}")


def _tokens() -> Iterator[Check]:
    now = timezone.now()
    ending = ApiToken.objects.filter(expires_at__gt=now, expires_at__lte=now + TOKEN_WARNED_BEFORE)
    used = ending.exclude(last_used_at=None).select_related("user").order_by("expires_at", "id")
    for token in used[:SHOWN]:
        yield Check(
            About.TOKEN,
            False,
            f"The API token {token.name} of {token.user.get_username()} ends at {token.expires_at:%Y-%m-%d %H:%M} UTC, and is in use",
            "Make another one with the same scopes, use it, and revoke this one",
            grave=False,
        )
