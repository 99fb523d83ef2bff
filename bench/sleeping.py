"""Measures how long the first visitor of a preview that sleeps waits, beside waking a container of the same program by hand."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from bench.previews import answers
from bench.timing import Measurement, wait_until
from e2e.platform import Platform, docker
from e2e.repositories import static

ROUNDS = 7
PAUSED, BY_HAND = "first request to a paused preview", "the same, by hand"
RATIOS = [(PAUSED, BY_HAND)]


def measure(platform: Platform, home: Path) -> list[Measurement]:
    """Seconds until the application has answered, in turn."""
    path = static(home / "bench-sleep", text="one")
    opened = json.loads(platform.run("preview", str(path), "--json").stdout)
    host = next(iter(opened["urls"].values())).removeprefix("http://").removesuffix("/")
    url = f"http://127.0.0.1:{platform.ingress}/"
    wait_until(lambda: answers(url, host, "one"))
    (container,) = docker("ps", "-q", "--filter", f"label=galley.environment={opened['id']}")
    twin = f"bench-sleep-{opened['id'].lower()}"
    docker(
        "build", "-q", "-t", twin, str(path)
    )  # the preview's own image is labelled: its agent would look after the twin
    docker("run", "-d", "--rm", "--name", twin, twin)
    direct = f"http://{told(twin, '{{.NetworkSettings.IPAddress}}')}:8080/"
    ours, by_hand = [], []
    try:
        wait_until(lambda: answers(direct, host, "one"))
        for _ in range(ROUNDS):
            docker("pause", twin)
            by_hand.append(_seconds(lambda: docker("unpause", twin), direct, host))
            platform.run("sleep", opened["name"])
            wait_until(lambda: told(container, "{{.State.Status}}") == "paused")
            ours.append(_seconds(lambda: None, url, host))
            wait_until(lambda: awake(platform, opened["id"]))
    finally:
        docker("rm", "-f", twin)
        docker("rmi", "-f", twin)
    platform.run("close", str(path), "--branch", "feature")
    return [Measurement(PAUSED, "s", ours), Measurement(BY_HAND, "s", by_hand)]


def awake(platform: Platform, environment: str) -> bool:
    """Whether its visitors are no longer asked about."""
    projects = platform.json("status")["projects"]
    states = {one["id"]: one["state"] for project in projects for one in project["environments"]}
    return bool(states[environment] == "running")


def told(container: str, template: str) -> str:
    """What the engine says of it."""
    (word,) = docker("inspect", "--format", template, container)
    return word


def _seconds(first: Callable[[], object], url: str, host: str) -> float:
    began = time.perf_counter()
    first()
    httpx.get(url, headers={"Host": host}, timeout=60, trust_env=False).raise_for_status()
    return time.perf_counter() - began
