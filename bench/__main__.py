"""`make bench`: start a platform of its own, measure everything, print a table, write JSON, leave nothing."""

import json
import os
import platform as machine
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import memory, policies, previews, routes, webhooks
from bench.report import ratios, show
from bench.timing import Measurement
from e2e.platform import Platform

RESULTS = Path(__file__).parent / "results"

RATIOS = [
    ("webhook to preview, cold", "by hand, cold"),
    ("webhook to preview, warm", "by hand, warm"),
    *webhooks.RATIOS,
    *routes.RATIOS,
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
            platform.purge()
    measurements += routes.measure()
    measurements += policies.measure()
    show(measurements, RATIOS)
    write(measurements)


def write(measurements: Sequence[Measurement]) -> None:
    """Write the measurements as JSON, for the history."""
    RESULTS.mkdir(exist_ok=True)
    document = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cpus": os.cpu_count(), "kernel": machine.release()},
        "measurements": [m.as_dict() for m in measurements],
        "ratios": ratios(measurements, RATIOS),
    }
    (RESULTS / "latest.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
