"""Measures what the control plane costs at several sizes of a fleet, and fails where something grows faster than the fleet.

`python -m bench.scale [--sizes 250,500,1000,2000] [--agents 50] [--write FILE]` runs it alone. Web, worker, PostgreSQL, NATS and
Traefik are real; agents speak the real protocol, and run nothing (`bench.scale_agents`).
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from bench import routes_rows
from bench import scale_rows as rows
from bench.interrupts import end_like_an_interrupt, uninterrupted
from bench.scale_growth import chart, superlinear
from bench.scale_parts import PLAIN, Parts
from bench.timing import Measurement, percentile
from tests.database import ThrowawayPostgres, point_django_at_it

SIZES = (250, 500, 1_000, 2_000)
AGENTS = 50
PUSHES = 20
REQUESTS = 5
IDLE_SECONDS = 30.0
SETTLED_SECONDS = 10.0
LIVE = "time until all are live"
LIVE_CPU = "worker's CPU until all are live"
TOO_FAST = "things that grow faster than the number of previews"
Found = dict[str, tuple[str, float]]  # {what: (unit, how much)} at one size


def measure() -> list[Measurement]:
    """Measure in a separate process, because a process has one database. It has said what grows too fast."""
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        answer = Path(folder) / "measurements.json"
        done = subprocess.run([sys.executable, "-m", "bench.scale", "--write", str(answer)], check=False)
        if not answer.exists():
            raise subprocess.CalledProcessError(done.returncode, done.args)
        return [Measurement(**one) for one in json.loads(answer.read_text())["measurements"]]


def one_size(size: int, parts: Parts, earlier: Found) -> Found:
    """Grow to `size`, and measure everything there. `earlier`: what was found at the size before; growing counts from the first preview."""
    before = parts.cpu()["worker"]
    seconds = rows.open_pulls(size)
    used = parts.cpu()["worker"] - before
    found: Found = {
        LIVE: ("s", earlier.get(LIVE, ("s", 0.0))[1] + seconds),
        LIVE_CPU: ("s", earlier.get(LIVE_CPU, ("s", 0.0))[1] + used),
    }
    time.sleep(SETTLED_SECONDS)
    found |= pushes(parts) | idle(parts) | reconcile() | pages(parts)
    found |= {
        f"memory of {name}": ("MB", used)
        for name, used in parts.memory().items()
        if name in {"web", "worker"}
    }
    found["routes file"] = ("KB", parts.ingress.file.stat().st_size / 1024)
    fewest, *_, most = rows.placed()
    found["previews on the agent with most, beyond the one with fewest"] = ("", most - fewest)
    return found


def pushes(parts: Parts) -> Found:
    """One push after the other, each until it is live."""
    before = parts.cpu()
    seconds = [rows.push(number) for number in range(PUSHES)]
    used = parts.cpu()["worker"] - before["worker"]
    return {
        "push to live, p50": ("ms", percentile(seconds, 0.5) * 1000),
        "push to live, p95": ("ms", percentile(seconds, 0.95) * 1000),
        "worker's CPU for a push": ("ms", used / PUSHES * 1000),
    }


def idle(parts: Parts) -> Found:
    """Nothing happens but heartbeats, reports and sweeps."""
    time.sleep(SETTLED_SECONDS)
    before, began = parts.cpu(), time.monotonic()
    time.sleep(IDLE_SECONDS)
    minutes = (time.monotonic() - began) / 60
    after = parts.cpu()
    return {
        f"CPU of {name} in an idle minute": ("s", (after[name] - before[name]) / minutes)
        for name in ("web", "worker", "bus", "ingress")
    }


def reconcile() -> Found:
    """Here and not in the worker, where nobody could count its queries."""
    from bench.scale_round import rounds

    return asyncio.run(rounds())


def pages(parts: Parts) -> Found:
    """Web's CPU for each page and answer, and its queries."""
    client, cookies = rows.visitor()
    found: Found = {}
    with httpx.Client(base_url=parts.url, cookies=cookies, **PLAIN) as web:
        for name, path in rows.pages().items():
            assert web.get(path).status_code == httpx.codes.OK, path
            before = parts.cpu()["web"]
            for _ in range(REQUESTS):
                size = len(web.get(path).content)
            found[f"{name}, CPU"] = ("ms", (parts.cpu()["web"] - before) / REQUESTS * 1000)
            found[f"{name}, answer"] = ("KB", size / 1024)
            with rows.counted() as made:
                client.get(path)
            found[f"{name}, queries"] = ("", made())
    return found


def run(sizes: list[int], agents: int, folder: Path, postgres: ThrowawayPostgres | None) -> dict[int, Found]:
    """Measure all sizes on one platform, which is stopped at the end. At each, one agent is lost, and another joins."""
    parts: Parts | None = None
    found: dict[int, Found] = {}
    earlier: Found = {}
    try:
        if postgres:
            postgres.start()
        parts = Parts(folder / "parts")
        os.environ.update(parts.settings, DB_POOL_SIZE="0")
        routes_rows.prepare()
        parts.start(agents)
        for size in sizes:
            earlier = found[size] = one_size(size, parts, earlier)
            show(size, found[size])
            lost = parts.agents.pop(0)
            found[size]["a lost agent's previews live elsewhere"] = ("s", rows.lose(lost))
            parts.join(f"agent-after-{size}")
    finally:
        with uninterrupted():
            if parts:
                parts.stop()
            if postgres:
                postgres.stop()
    return found


def show(size: int, found: Found) -> None:
    """Print what was found at one size, as soon as it was."""
    for what, (unit, value) in found.items():
        sys.stdout.write(f"{size:6} {value:12.1f} {unit:3} {what}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure, print, write, and fail where something grows too fast."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="how many previews, ascending")
    parser.add_argument("--agents", type=int, default=AGENTS)
    parser.add_argument("--write", type=Path, help="a file for the measurements, as JSON")
    parser.add_argument("--keep", type=Path, help="an empty folder for logs and data, which is kept")
    asked = parser.parse_args()
    end_like_an_interrupt()
    database = point_django_at_it()
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as name:
        found = run(
            [int(size) for size in asked.sizes.split(",")], asked.agents, asked.keep or Path(name), database
        )
    sys.stdout.write(chart(found))
    too_fast = superlinear(found)
    if asked.write:
        document = {"agents": asked.agents, "measurements": measurements(found, too_fast)}
        asked.write.write_text(json.dumps(document, indent=1) + "\n")
    if too_fast:
        sys.exit("\n".join(too_fast))


def measurements(found: dict[int, Found], too_fast: Sequence[str]) -> list[dict[str, Any]]:
    """One for each thing and size, and how many of the things grow too fast."""
    every: list[dict[str, Any]] = [
        {"name": f"{what}, {size} environments", "unit": unit, "values": [value]}
        for size, there in found.items()
        for what, (unit, value) in there.items()
    ]
    return [*every, {"name": TOO_FAST, "unit": "", "values": [len(too_fast)]}]


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted. What was started is removed.")
