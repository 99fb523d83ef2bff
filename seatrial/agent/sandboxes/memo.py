"""Remembers results: a policy that gets the same answers again returns the same result."""

import asyncio
import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.foresight import foreseeable
from seatrial.agent.sandboxes.questions import Seen, Unanswerable
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.wire.evaluations import PolicyResult, PolicyToRun
from seatrial.wire.states import ResultState

MAX_AGE_SECONDS = 24 * 3600  # limited because a policy may depend on the current time
KEPT_PER_KEY = 4
MOST_NOTED = 1_000  # policies and projects of which it is held what they asked
MAX_SEEN = 50_000  # questions; longer transcripts are not kept
MOST_BYTES = (
    256 * 1024**2
)  # of all projects together; beyond it the oldest are deleted, a tenth of them at a time
SCHEMA = """
CREATE TABLE IF NOT EXISTS memo (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL, at REAL NOT NULL, seen BLOB NOT NULL, result TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS memo_by_key ON memo (key, at);
CREATE INDEX IF NOT EXISTS memo_by_age ON memo (at);
"""


class Memo:
    """Results by (project, policy, parameters, sandbox program, where it runs) and the answers the policy was given.

    `where` is the isolation and the version of Python. A policy that may use the network has none: see `service`. Only passed and failed results are kept, for a day, and not more than `most_bytes` of them. Idempotent; concurrent
    calls are fine. A damaged file is deleted, which costs only time.
    """

    def __init__(self, path: Path, program: str, *, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._program = program
        self._most_bytes = most_bytes
        self._asked: dict[str, Sequence[str]] = {}  # by key, the newest last

    @property
    def program(self) -> str:
        """The digest of the sandbox's program."""
        return self._program

    async def prune(self, _unused_days: float) -> None:
        """Delete expired results and return their space to the disk. Safe at any time."""
        await asyncio.to_thread(self._prune)

    async def find(
        self, project: str, policy: PolicyToRun, where: str, broker: Broker
    ) -> PolicyResult | None:
        """The remembered result, if every question of that run has the same answer now."""
        key = self._key(project, policy, where)
        rows = await asyncio.to_thread(self._read, key)
        if rows:
            self._note(key, rows[0][0])
        for seen, result in rows:
            if await same(seen, broker):
                update = {
                    "version_id": policy.version_id,
                    "slug": policy.slug,
                    "memoised": True,
                    "seconds": 0.0,
                }
                return PolicyResult.model_validate_json(result).model_copy(update=update)
        return None

    async def keep(
        self, project: str, policy: PolicyToRun, where: str, seen: Seen, result: PolicyResult
    ) -> None:
        """Remember the result if it passed or failed and its transcript is short enough."""
        if result.state in {ResultState.PASSED, ResultState.FAILED} and len(seen) <= MAX_SEEN:
            key = self._key(project, policy, where)
            self._note(key, seen)
            await asyncio.to_thread(self._write, key, seen, result.model_dump_json())

    def asked(self, project: str, policy: PolicyToRun, where: str) -> Sequence[str]:
        """What it asked the last time, of what can be answered ahead; nothing before `find` or `keep` was called for it."""
        return self._asked.get(self._key(project, policy, where), ())

    def _note(self, key: str, seen: Seen) -> None:
        self._asked.pop(key, None)
        self._asked[key] = foreseeable(seen)
        if len(self._asked) > MOST_NOTED:
            del self._asked[next(iter(self._asked))]

    def _key(self, project: str, policy: PolicyToRun, where: str) -> str:
        code = hashlib.sha256(policy.code.encode()).hexdigest()
        params = json.dumps(policy.params, sort_keys=True)
        limits = f"{policy.timeout_seconds} {policy.memory_mb}"
        whole = json.dumps([project, policy.slug, code, params, limits, self._program, where])
        return hashlib.sha256(whole.encode()).hexdigest()

    def _read(self, key: str) -> list[tuple[Seen, str]]:
        query = "SELECT seen, result FROM memo WHERE key = ? AND at > ? ORDER BY at DESC"
        try:
            with self._open() as database:
                rows = database.execute(query, (key, time.time() - MAX_AGE_SECONDS)).fetchall()
            return [([tuple(pair) for pair in json.loads(seen)], result) for seen, result in rows]
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)
            return []

    def _write(self, key: str, seen: Seen, result: str) -> None:
        forget = "DELETE FROM memo WHERE key = ? AND id NOT IN (SELECT id FROM memo WHERE key = ? ORDER BY at DESC LIMIT ?)"
        try:
            with self._open() as database:
                row = (key, time.time(), json.dumps(seen), result)
                database.execute("INSERT INTO memo (key, at, seen, result) VALUES (?, ?, ?, ?)", row)
                database.execute(forget, (key, key, KEPT_PER_KEY))
                self._forget_old(database)
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)

    def _prune(self) -> None:
        if not self._path.exists():
            return
        try:
            with self._open() as database:
                self._forget_old(database)
            with contextlib.closing(sqlite3.connect(self._path, timeout=10)) as database:
                database.execute("VACUUM")  # not within a transaction
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)

    def _forget_old(self, database: sqlite3.Connection) -> None:
        database.execute("DELETE FROM memo WHERE at < ?", (time.time() - MAX_AGE_SECONDS,))
        tenth = "DELETE FROM memo WHERE id IN (SELECT id FROM memo ORDER BY at LIMIT (SELECT 1 + count(*) / 10 FROM memo))"
        while used_bytes(database) > self._most_bytes and database.execute(tenth).rowcount > 0:
            pass

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)  # it reveals content of private repositories
        database = sqlite3.connect(self._path, timeout=10)
        try:
            database.executescript(SCHEMA)
            with database:
                yield database
        finally:
            database.close()


def used_bytes(database: sqlite3.Connection) -> int:
    """Bytes of the file that are not free for new rows."""
    query = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
    return int(database.execute(query).fetchone()[0])


async def same(seen: Seen, broker: Broker) -> bool:
    """Whether every question still has the same answer."""
    try:
        for asked, digest in seen:
            if await broker.digest(asked) != digest:
                return False
    except (Unanswerable, CheckoutError, TypeError, ValueError):
        return False  # where git fails, the policy runs, and ends as errored by that
    return True
