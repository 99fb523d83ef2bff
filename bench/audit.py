"""Measures an audit log of a million entries: sealing it, verifying it, and its export in bounded memory.

The floor of the export is PostgreSQL's own COPY of the same rows, as JSON. A real platform does all of it: its worker seals,
its web process verifies and exports, whose memory is looked at meanwhile.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from bench.timing import Measurement, stopwatch, wait_until
from e2e.platform import Platform

ENTRIES = 1_000_000
# As `AuditEntry`, spread over the last year; the database itself notes that each waits for its seal.
INSERT = """
INSERT INTO audit_log (id, at, actor, actor_kind, actor_key, action, target, workspace, address, details)
SELECT '00' || lpad(n::text, 24, '0'), now() - n * interval '30 seconds', 'bench', 'person', '', 'bench.entry',
       'bench/' || n, '', '192.0.2.7', jsonb_build_object('before', n, 'after', n + 1)
FROM generate_series(1, %s) AS n
"""
COPY = "COPY (SELECT row_to_json(audit_log) FROM audit_log ORDER BY id) TO STDOUT"
EXPORT, FLOOR = "audit log exported as JSON Lines", "audit log copied by PostgreSQL"
RATIOS = [(EXPORT, FLOOR)]


def measure(platform: Platform, _: Path, *, entries: int = ENTRIES) -> list[Measurement]:
    """Seconds for all entries, and the megabytes that the web process grew by while it exported and verified them."""
    web = platform.process("web")
    environment = web.environ()
    where = make_conninfo(
        host=environment["DB_HOST"], dbname=environment["DB_NAME"], user=environment["DB_USER"]
    )
    with psycopg.connect(where, autocommit=True) as database:
        database.execute(INSERT, [entries])
        with stopwatch() as elapsed:
            wait_until(lambda: not _unsealed(database), seconds=3_600, every=1)
            sealed = elapsed()
        with stopwatch() as elapsed, database.cursor().copy(COPY) as copy:
            for _block in copy:
                pass
            copied = elapsed()
    rows = [Measurement("audit log sealed", "s", [sealed]), Measurement(FLOOR, "s", [copied])]
    for name, path in ((EXPORT, "export?format=jsonl"), ("audit log verified", "verify")):
        with growth(web) as grown, stopwatch() as elapsed:
            lines = _read(platform, f"audit/{path}")
            rows += [Measurement(name, "s", [elapsed()]), Measurement(f"{name}, memory", "MB", grown)]
        if path != "verify" and lines < entries:
            raise AssertionError(f"{lines:,} of {entries:,} entries were exported")
    return rows


@contextmanager
def growth(process: psutil.Process) -> Iterator[list[float]]:
    """A list that has one value at the end: how many megabytes the process grew by at most while inside."""
    before, most, over = process.memory_info().rss, [0], threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            most[0] = max(most[0], process.memory_info().rss)

    watch = threading.Thread(target=look)
    watch.start()
    grown: list[float] = []
    try:
        yield grown
        grown.append(max(0, most[0] - before) / 2**20)
    finally:
        over.set()
        watch.join()


def _unsealed(database: psycopg.Connection) -> bool:
    return database.execute("SELECT FROM audit_unsealed LIMIT 1").fetchone() is not None


def _read(platform: Platform, path: str) -> int:
    """How many lines there are; nothing of them is kept."""
    token = (platform.directory / "token").read_text().strip()
    url = f"http://127.0.0.1:{platform.port}/api/v1/{path}"
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.stream("GET", url, headers=headers, timeout=600, trust_env=False) as answer:
        answer.raise_for_status()
        return sum(block.count(b"\n") for block in answer.iter_bytes())
