"""Measures what a gate costs a visitor: requests through Traefik to one preview, with and without the question who gets in."""

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.previews import answers
from bench.timing import Measurement, wait_until
from e2e.platform import Platform
from e2e.repositories import static

REQUESTS = 200
ROUNDS = 5
WITH, WITHOUT = "request to a preview with a gate", "request to a public preview"
RATIOS = [(WITH, WITHOUT)]


def measure(platform: Platform, home: Path) -> list[Measurement]:
    """The median request of each round, in milliseconds, over one connection, in turn."""
    path = static(home / "bench-gate", text="one")
    opened = json.loads(platform.run("preview", str(path), "--json").stdout)
    host = next(iter(opened["urls"].values())).removeprefix("http://").removesuffix("/")
    url = f"http://127.0.0.1:{platform.ingress}/"
    wait_until(lambda: answers(url, host, "one"))
    token = json.loads(platform.run("access", "token", path.name, "--rotate", "--json").stdout)["token"]
    shown = {"Host": host, "X-Galley-Bypass": token}
    gated: list[float] = []
    public: list[float] = []
    for _ in range(ROUNDS):
        public.append(_median(url, {"Host": host}))
        platform.run("access", "set", path.name, "members", "--apply")
        wait_until(lambda: httpx.get(url, headers={"Host": host}, trust_env=False).status_code == 401)
        gated.append(_median(url, shown))
        platform.run("access", "set", path.name, "public", "--apply")
        wait_until(lambda: answers(url, host, "one"))
    platform.run("close", str(path), "--branch", "feature")
    return [Measurement(WITH, "ms", gated), Measurement(WITHOUT, "ms", public)]


def _median(url: str, headers: dict[str, str]) -> float:
    return statistics.median(_requests(url, headers))


def _requests(url: str, headers: dict[str, str]) -> Iterator[float]:
    with httpx.Client(headers=headers, trust_env=False) as client:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            client.get(url).raise_for_status()
            yield (time.perf_counter() - began) * 1_000
