"""Measures how long a workspace waits for its first evaluation beside one that has hundreds queued.

Run it alone with `python -m bench fairness`. A real worker hands evaluations over, on a database of its own and without a bus; the
agent is played here: it takes the oldest jobs, as agents do, PARALLEL at a time, and each takes SECONDS.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import fairness_rows as rows
from bench import routes_rows
from bench.interrupts import end_like_an_interrupt, uninterrupted
from bench.timing import Measurement, stopwatch
from tests.bus.servers import free_port
from tests.database import ThrowawayPostgres, point_django_at_it

QUEUED = 200  # of the busy workspace
PARALLEL = 2  # as an agent does
SECONDS = 0.5  # that an evaluation takes
RUNS = 5
EMPTY = "first evaluation, empty queue"
BESIDE = f"first evaluation, {QUEUED} of another workspace queued"
AT_ONCE = f"{BESIDE} at this moment"
RATIOS = [(BESIDE, EMPTY), (AT_ONCE, EMPTY)]
POLL_SECONDS = 0.02
LONGEST_SECONDS = 300.0


def measure() -> list[Measurement]:
    """Measure in a separate process, because a process has one database."""
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        answer = Path(folder) / "measurements.json"
        subprocess.run([sys.executable, "-m", "bench.fairness", str(answer)], check=True)
        return [Measurement(**measured) for measured in json.loads(answer.read_text())]


@contextmanager
def worker(log: Path) -> Iterator[None]:
    """The worker's process, which finds no bus: what it would publish stays in the outbox, in its order."""
    environment = {**os.environ, "GALLEY_NATS_URL": f"nats://127.0.0.1:{free_port()}"}
    with log.open("ab") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "seatrial.control.worker"], env=environment, stdout=written, stderr=written
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()


class Player:
    """An agent, as the control plane sees one: it takes the oldest job that nobody took, and reports its end."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self._running: dict[str, float] = {}

    def until_ended(self, evaluation: str) -> tuple[float, int]:
        """Seconds until this one has ended, and how many of others ended before it."""
        before = len(self.ended)
        with stopwatch() as elapsed:
            while evaluation not in self.ended:
                if elapsed() > LONGEST_SECONDS:
                    raise TimeoutError(f"no result within {LONGEST_SECONDS:.0f} s")
                self.step()
                time.sleep(POLL_SECONDS)
            return elapsed(), len(self.ended) - before - 1

    def step(self) -> None:
        """End what has run for SECONDS, and take what there is room for."""
        now = time.monotonic()
        for evaluation in [one for one, since in self._running.items() if now - since >= SECONDS]:
            rows.finish(evaluation)
            del self._running[evaluation]
            self.ended.append(evaluation)
        for evaluation in rows.jobs({*self._running, *self.ended})[: PARALLEL - len(self._running)]:
            self._running[evaluation] = now


def run(folder: Path) -> list[Measurement]:
    """With an empty queue, then beside a workspace whose queue is full."""
    routes_rows.prepare()
    busy, other, agent = rows.pull_request(), rows.pull_request(), Player()
    with worker(folder / "worker.log"):
        agent.until_ended(rows.ask(other))  # the worker has come up
        alone = [agent.until_ended(rows.ask(other))[0] for _ in range(RUNS)]
        for _ in range(QUEUED):
            rows.ask(busy)
        at_once, _ = agent.until_ended(rows.ask(other))
        found = [agent.until_ended(rows.ask(other)) for _ in range(RUNS)]
    return [
        Measurement(EMPTY, "s", alone),
        Measurement(AT_ONCE, "s", [at_once]),
        Measurement(BESIDE, "s", [seconds for seconds, _ in found]),
        Measurement("evaluations of the busy one that end before it", "", [count for _, count in found]),
    ]


def main() -> None:
    """Write the measurements to the file that is given as the argument."""
    end_like_an_interrupt()
    postgres: ThrowawayPostgres | None = point_django_at_it()
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        try:
            if postgres:
                postgres.start()
            measurements = run(Path(folder))
        finally:
            with uninterrupted():
                if postgres:
                    postgres.stop()
    Path(sys.argv[1]).write_text(json.dumps([vars(one) for one in measurements]))


if __name__ == "__main__":
    main()
