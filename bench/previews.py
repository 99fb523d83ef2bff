"""Measures the time from a webhook to a URL that answers, and compares it with doing the same by hand with the engine."""

import http.client
import json
import subprocess
import time
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.timing import Measurement, stopwatch, wait_until
from e2e.platform import Platform
from e2e.repositories import commit, static
from seatrial.embedded.layout import DataDirectory

DOMAIN = "preview.localhost"  # of an embedded platform's previews


def answers(url: str, host: str, text: str) -> bool:
    """Whether a visitor of `url` gets `text` now. Asked fifty times a second, on the processors that build meanwhile: hence no client that
    loads certificates first."""
    parsed = urlsplit(url)
    connection = http.client.HTTPConnection(parsed.hostname or "", parsed.port, timeout=2)
    try:
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        return answer.status == HTTPStatus.OK and answer.read().decode() == text
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def by_hand(path: Path, tag: str, text: str, *, cold: bool) -> float:
    """`docker build`, `docker run`, poll: seconds until it answers."""
    with stopwatch() as elapsed:
        subprocess.run(
            ["docker", "build", "-q", *(["--no-cache"] if cold else []), "-t", tag, str(path)],
            check=True,
            capture_output=True,
        )
        name = tag.replace(":", "-")
        subprocess.run(["docker", "run", "-d", "--name", name, tag], check=True, capture_output=True)
        address = subprocess.run(
            ["docker", "inspect", "-f", "{{.NetworkSettings.IPAddress}}", name],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        wait_until(lambda: answers(f"http://{address}:8080/", address, text))
        seconds = elapsed()
    subprocess.run(["docker", "rm", "-f", name], check=True, capture_output=True)
    return seconds


def last_delivery(platform: Platform) -> datetime:
    """When the newest webhook of a pull request arrived, by the clock of the server, which is this machine."""
    return max(
        datetime.fromisoformat(delivery["received_at"])
        for delivery in platform.api("/deliveries")
        if delivery["event"] == "pull_request"
    )


def by_seatrial(platform: Platform, path: Path, text: str) -> tuple[float, dict[str, Any]]:
    """Seconds from the delivery's arrival to the first answer through Traefik, and the environment."""
    opened = subprocess.Popen(
        ["seatrial", "preview", str(path), "--json"],
        executable=str(platform.executable),
        env=platform.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    host: list[str] = []
    routes = DataDirectory(platform.directory).routes

    def begun() -> bool:
        names = [e["name"] for e in platform.api("/environments") if e["name"].endswith(path.name)]
        host.extend(f"{name}.{DOMAIN}:{platform.ingress}" for name in names)
        return bool(host)

    wait_until(begun, every=0.1)
    # Before it has a route, every request is answered with a page that the web process makes, on the same processors.
    wait_until(lambda: host[0].partition(":")[0] in routes.read_text())
    wait_until(lambda: answers(f"http://127.0.0.1:{platform.ingress}/", host[0], text))
    answered = datetime.now(UTC)
    arrived = last_delivery(platform)
    document, _ = opened.communicate()
    return (answered - arrived).total_seconds(), json.loads(document)


def measure(platform: Platform, home: Path, *, rounds: int = 5) -> list[Measurement]:
    """Measure cold and warm starts, by Seatrial and by hand in turn, and the switch of the route."""
    cold, warm, hand_cold, hand_warm, switch = [], [], [], [], []
    for number in range(rounds):
        path = static(home / f"bench-{number}", text="one")
        hand_cold.append(by_hand(path, f"bench-hand-{number}:one", "one", cold=True))
        seconds, _ = by_seatrial(platform, path, "one")
        cold.append(seconds)
        commit(path, {"www/index.html": "two"})
        hand_warm.append(by_hand(path, f"bench-hand-{number}:two", "two", cold=False))
        seconds, environment = by_seatrial(platform, path, "two")
        warm.append(seconds)
        switch += [p["seconds"] for p in environment["deployment"]["phases"] if p["name"] == "switch"]
        platform.run("close", str(path), "--branch", "feature")
        tags = [f"bench-hand-{number}:{text}" for text in ("one", "two")]
        subprocess.run(["docker", "rmi", "-f", *tags], capture_output=True, check=False)
        time.sleep(1)
    return [
        Measurement("webhook to preview, cold", "s", cold),
        Measurement("by hand, cold", "s", hand_cold),
        Measurement("webhook to preview, warm", "s", warm),
        Measurement("by hand, warm", "s", hand_warm),
        Measurement("route switch in a preview", "s", switch),
    ]
