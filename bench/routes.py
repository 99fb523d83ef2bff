"""Measures how long a changed route takes, from the report of a healthy container to live, beside Traefik's own reload.

Run it alone with `python -m bench routes`. It uses a database and a Traefik of its own, a real worker without a bus, rows
made in bulk, and no containers. The floor is the same document written by hand for another Traefik with the same
configuration.
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

import httpx
import psutil

from bench import routes_rows as rows
from bench.interrupts import end_like_an_interrupt, uninterrupted
from bench.timing import Measurement, stopwatch, wait_until
from seatrial.embedded.components import ingress
from tests.bus.servers import free_port
from tests.database import ThrowawayPostgres, point_django_at_it

SIZES = (10, 1_000, 5_000)
RUNS = 9
REST_SECONDS = (
    1.5  # between changes, because Traefik delays a change that follows another, and collects its garbage
)
POLL_SECONDS = 0.01
RATIOS = [
    (f"route change to live, {size} environments", f"Traefik's own reload, {size} environments")
    for size in SIZES
]


def measure() -> list[Measurement]:
    """Measure in a separate process, because a process has one database."""
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        answer = Path(folder) / "measurements.json"
        # In a session of its own, so that Ctrl-C does not reach it too: it is told once, and removes what it started.
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.routes", str(answer)], start_new_session=True
        )
        try:
            failed = process.wait()
        finally:
            process.terminate()
            process.wait()
        if failed:
            raise subprocess.CalledProcessError(failed, process.args)
        return [Measurement(**measured) for measured in json.loads(answer.read_text())]


class Ingress:
    """A Traefik, configured and started as by the platform."""

    def __init__(self, directory: Path) -> None:
        (directory / "routes").mkdir(parents=True)
        self.file = directory / "routes" / "routes.yml"
        self.web, api = free_port(), free_port()
        self.url = f"http://127.0.0.1:{api}"
        component = ingress.component(
            directory, ingress_port=self.web, api_port=api, binaries=Path(sys.executable).parent
        )
        self.process = subprocess.Popen(
            component.program.arguments, env=component.program.environment, stdout=subprocess.DEVNULL
        )
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=10)

    def leads(self, service: str, endpoint: str) -> bool:
        """Whether Traefik has applied the route of `service` to `endpoint`."""
        try:
            answer = self.client.get(f"/api/http/services/{service}@file")
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["loadBalancer"]["servers"] == [{"url": endpoint}]

    def stop(self) -> None:
        """Stop Traefik at once."""
        self.process.kill()
        self.process.wait()
        self.client.close()


@contextmanager
def worker(served: Ingress, folder: Path) -> Iterator[psutil.Process]:
    """The worker's process. Its routes need no bus."""
    environment = {
        **os.environ,
        "GALLEY_ROUTES_FILE": str(served.file),
        "GALLEY_TRAEFIK_API_URL": served.url,
        "GALLEY_NATS_URL": f"nats://127.0.0.1:{free_port()}",
    }
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "seatrial.control.worker"], env=environment, stdout=log, stderr=log
        )
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def reload(by_hand: Ingress, was: str, endpoint: str) -> float:
    """Milliseconds from replacing the file, one endpoint changed, until Traefik shows it."""
    temporary = by_hand.file.parent.parent / "next"
    temporary.write_text(by_hand.file.read_text().replace(was, endpoint))
    with stopwatch() as elapsed:
        temporary.replace(by_hand.file)
        wait_until(lambda: by_hand.leads(rows.CHANGED, endpoint), every=POLL_SECONDS)
        return elapsed() * 1000


def one_size(size: int, served: Ingress, by_hand: Ingress, folder: Path) -> list[Measurement]:
    """Measure by Seatrial and by hand in turn, with `size` environments."""
    rows.fill(size)
    first = rows.deploy(0)
    ours, floor = [], []
    with worker(served, folder) as process:
        rows.switched(first)
        (by_hand.file.parent.parent / "next").write_text(served.file.read_text())
        (by_hand.file.parent.parent / "next").replace(by_hand.file)
        wait_until(lambda: by_hand.leads(rows.CHANGED, rows.endpoint(0)), every=POLL_SECONDS)
        used = 0.0
        for number in range(1, RUNS + 1):
            time.sleep(REST_SECONDS)
            floor.append(reload(by_hand, rows.endpoint(number - 1), rows.endpoint(number)))
            time.sleep(REST_SECONDS)
            before = sum(process.cpu_times()[:2])
            ours.append(rows.switched(rows.deploy(number)) * 1000)
            used += sum(process.cpu_times()[:2]) - before
    return [
        Measurement(f"route change to live, {size} environments", "ms", ours),
        Measurement(f"Traefik's own reload, {size} environments", "ms", floor),
        Measurement(f"the worker's CPU for it, {size} environments", "ms", [used / RUNS * 1000]),
    ]


def run(folder: Path, postgres: ThrowawayPostgres | None) -> list[Measurement]:
    """Measure all sizes on one database, which is stopped at the end."""
    servers = [Ingress(folder / "served"), Ingress(folder / "by-hand")]
    try:
        if postgres:
            postgres.start()
        rows.prepare()
        return [found for size in SIZES for found in one_size(size, servers[0], servers[1], folder)]
    finally:
        with uninterrupted():
            for server in servers:
                server.stop()
            if postgres:
                postgres.stop()


def main() -> None:
    """Write the measurements to the file that is given as the argument."""
    end_like_an_interrupt()
    database = point_django_at_it()
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        measurements = run(Path(folder), database)
    document = [{"name": m.name, "unit": m.unit, "values": m.values} for m in measurements]
    Path(sys.argv[1]).write_text(json.dumps(document))


if __name__ == "__main__":
    main()
