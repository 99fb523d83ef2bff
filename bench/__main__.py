"""`make bench`: start a platform of its own, measure everything, print a table, write JSON, leave nothing."""

import json
import os
import platform as machine
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import memory, policies, previews, webhooks
from bench.timing import Measurement
from e2e.platform import Platform

RESULTS = Path(__file__).parent / "results"

# (ours, floor): which median is divided by which
RATIOS = [
    ("webhook to preview, cold", "by hand, cold"),
    ("webhook to preview, warm", "by hand, warm"),
    *policies.RATIOS,
]


def main() -> None:
    """Run all measurements."""
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        platform = Platform(Path(folder) / "data")
        try:
            platform.up()
            time.sleep(15)
            measurements = memory.measure(platform)
            measurements += webhooks.measure(platform)
            measurements += previews.measure(platform, Path(folder))
        finally:
            platform.run("down", "--purge", timeout=120)
    measurements += policies.measure()
    show(measurements)
    write(measurements)


def ratios(measurements: Sequence[Measurement]) -> dict[str, float]:
    """{what: times the floor} for every pair that was measured."""
    medians = {m.name: m.median for m in measurements}
    return {
        f"{ours} / {floor}": round(medians[ours] / medians[floor], 2)
        for ours, floor in RATIOS
        if ours in medians and floor in medians
    }


def show(measurements: Sequence[Measurement]) -> None:
    """The table people read."""
    console = Console()
    table = Table("measurement", "median", "least", "most", "unit", "runs", title="What Seatrial costs")
    for m in measurements:
        low, high = min(m.values), max(m.values)
        table.add_row(m.name, f"{m.median:.2f}", f"{low:.2f}", f"{high:.2f}", m.unit, str(len(m.values)))
    console.print(table)
    for what, ratio in ratios(measurements).items():
        console.print(f"  {ratio:6.2f} x  {what}", soft_wrap=True)


def write(measurements: Sequence[Measurement]) -> None:
    """The same as JSON, for the history."""
    RESULTS.mkdir(exist_ok=True)
    document = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cpus": os.cpu_count(), "kernel": machine.release()},
        "measurements": [m.as_dict() for m in measurements],
        "ratios": ratios(measurements),
    }
    (RESULTS / "latest.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
