"""Measure what the platform costs, beside its floor, and print a table.

Without PART, everything is measured, which takes an hour, half of it for `scale`, and written to bench/results/latest.json. Parts that
need a platform share one that is started for them; it is removed at the end, also when you interrupt. Let the machine do
nothing else meanwhile.
"""

import argparse
import json
import os
import platform as machine
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import audit, fairness, gates, memory, policies, previews, routes, scale, sleeping, webhooks
from bench.interrupts import end_like_an_interrupt, uninterrupted
from bench.report import ratios, show
from bench.timing import Measurement
from e2e.platform import Platform

RESULTS = Path(__file__).parent / "results"
CALM_SECONDS = 15  # after a start

ON_A_PLATFORM: Mapping[str, Callable[[Platform, Path], list[Measurement]]] = {
    "memory": lambda platform, _: memory.measure(platform),
    "webhooks": lambda platform, _: webhooks.measure(platform),
    "previews": previews.measure,
    "gates": gates.measure,
    "sleeping": sleeping.measure,
    "audit": audit.measure,
}
ALONE: Mapping[str, Callable[[], list[Measurement]]] = {
    "routes": routes.measure,
    "policies": policies.measure,
    "fairness": fairness.measure,
    "scale": scale.measure,
}
PARTS = (*ON_A_PLATFORM, *ALONE)
RATIOS = [
    ("webhook to preview, cold", "by hand, cold"),
    ("webhook to preview, warm", "by hand, warm"),
    *webhooks.RATIOS,
    *gates.RATIOS,
    *sleeping.RATIOS,
    *audit.RATIOS,
    *routes.RATIOS,
    *policies.RATIOS,
    *fairness.RATIOS,
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the parts that are asked for."""
    parts = asked(arguments)
    end_like_an_interrupt()
    measurements = on_a_platform([part for part in ON_A_PLATFORM if part in parts])
    for part in ALONE:
        if part in parts:
            measurements += ALONE[part]()
    show(measurements, RATIOS)
    if set(parts) == set(PARTS):
        write(measurements)
    if any(one.name == scale.TOO_FAST and one.median for one in measurements):
        sys.exit("Something grows faster than the number of previews; what, and how, is said above.")


def asked(arguments: Sequence[str] | None = None) -> Sequence[str]:
    """The parts on the command line; all when it names none."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", metavar="PART", nargs="*", help=f"some of: {', '.join(PARTS)}")
    parts: list[str] = parser.parse_args(arguments).parts
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    return parts or PARTS


def on_a_platform(parts: Sequence[str]) -> list[Measurement]:
    """Measure these parts on one platform of their own."""
    if not parts:
        return []
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as name:
        folder = Path(name)
        with running(Platform(folder / "data")) as platform:
            time.sleep(CALM_SECONDS)
            return [one for part in parts for one in ON_A_PLATFORM[part](platform, folder)]


@contextmanager
def running(platform: Platform) -> Iterator[Platform]:
    """The platform runs while inside. Then it is removed with everything it made, and nothing interrupts that."""
    try:
        platform.up()
        yield platform
    finally:
        with uninterrupted():
            platform.purge()


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
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Interrupted. What was started is removed.")
