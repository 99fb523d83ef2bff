"""Measures how fast signed deliveries are taken, each durable before it is answered, beside a plain Django view.

The plain view (`bench.plain`) verifies the signature and writes one row, behind the same server and in the same database.
Both are asked in turn, over 16 connections, with a payload of GitHub's size that leads to nothing: the worker rests. Last
come deliveries that the worker handles meanwhile, on the same machine.
"""

import hashlib
import hmac
import json
import secrets
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
from psycopg.conninfo import make_conninfo

from bench.timing import Measurement, percentile, stopwatch, wait_until
from e2e.platform import Platform
from tests.bus.servers import free_port

SCRIPT = Path(__file__).parent / "webhook.lua"
CONNECTIONS = 16
SECONDS = 4
ROUNDS = 5
NO_COMMIT, SOME_COMMIT = "0" * 40, "1" * 40  # a push that deletes its branch leads to nothing
RATIOS = [("webhooks taken", "webhooks taken by a plain view")]  # goal: at least 0.8


@dataclass(frozen=True)
class Load:
    """What a door bore: requests a second, and milliseconds until the answer."""

    rate: float
    p50: float
    p99: float


def measure(platform: Platform, *, deliveries: int = 400) -> list[Measurement]:
    """Measure one delivery after the other, then as many as are taken, then half as many."""
    secret = secrets.token_hex(32)
    environment = platform.process("web").environ()
    connection = subprocess.run(
        [sys.executable, "-m", "bench.connection", secret],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    url = f"http://127.0.0.1:{platform.port}/api/v1/webhooks/local/{connection}"
    values = one_by_one(url, secret, deliveries)
    with plain_view({**environment, "BENCH_SECRET": secret}) as plain:
        ours, floor = [], []
        for _ in range(ROUNDS):
            ours.append(load(url, secret))
            floor.append(load(plain, secret))
    rate = sorted(one.rate for one in ours)[ROUNDS // 2]
    half = [load(url, secret, rate=rate / 2, usual=values) for _ in range(ROUNDS)]
    with stopwatch() as elapsed:
        followed = load(url, secret, commit=SOME_COMMIT)
        wait_until(lambda: unhandled(environment) == 0, seconds=600, every=0.1)
        handled = followed.rate * SECONDS / elapsed()
    return [
        Measurement("webhook acknowledgement", "ms", values),
        Measurement("webhook acknowledgement, p99", "ms", [percentile(values, 0.99)]),
        Measurement("webhooks taken", "1/s", [one.rate for one in ours]),
        Measurement("webhooks taken by a plain view", "1/s", [one.rate for one in floor]),
        Measurement("webhook acknowledgement at half load", "ms", [one.p50 for one in half]),
        Measurement("webhook acknowledgement at half load, p99", "ms", [one.p99 for one in half]),
        Measurement("webhooks taken while the worker handles them", "1/s", [followed.rate]),
        Measurement("webhooks handled", "1/s", [handled]),
    ]


def unhandled(environment: dict[str, str]) -> int:
    """How many deliveries the worker has still to handle."""
    where = make_conninfo(
        host=environment["DB_HOST"], dbname=environment["DB_NAME"], user=environment["DB_USER"]
    )
    with psycopg.connect(where) as database:
        found = database.execute(
            "SELECT count(*) FROM forges_delivery WHERE handled_at IS NULL AND result = 'accepted'"
        )
        return int((found.fetchone() or [0])[0])


def payload(commit: str = NO_COMMIT) -> bytes:
    """A push, with as much in it that nobody reads as GitHub sends."""
    rest = {
        f"{name}_url": f"https://git.example.test/repos/bench/none/{name}" for name in map(str, range(250))
    }
    repository = {"id": 1, "full_name": "bench/none", **rest}
    push = {
        "ref": "refs/heads/main",
        "after": commit,
        "repository": repository,
        "sender": {"login": "bench"},
    }
    return json.dumps(push).encode()


def signature(secret: str, body: bytes) -> str:
    """As GitHub signs."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def one_by_one(url: str, secret: str, deliveries: int) -> list[float]:
    """The milliseconds that each delivery takes over one connection."""
    body, values = payload(), []
    with httpx.Client(trust_env=False) as client:
        for _ in range(deliveries):
            headers = {
                "Content-Type": "application/json",
                "X-GitHub-Event": "push",
                "X-GitHub-Delivery": str(uuid.uuid4()),
                "X-Hub-Signature-256": signature(secret, body),
            }
            with stopwatch() as elapsed:
                answer = client.post(url, content=body, headers=headers)
                values.append(elapsed() * 1000)
            if answer.status_code != 202:
                raise RuntimeError(f"the delivery was answered {answer.status_code}: {answer.text}")
    return values


@contextmanager
def plain_view(environment: dict[str, str]) -> Iterator[str]:
    """The address of the plain view, while inside."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/webhook"
    server = [sys.executable, "-m", "uvicorn", "bench.plain:application", "--log-level", "warning"]
    process = subprocess.Popen([*server, "--port", str(port)], env=environment)
    try:
        wait_until(lambda: answers(url))
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    """Whether anything answers there."""
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def load(
    url: str, secret: str, *, rate: float = 0.0, usual: list[float] | None = None, commit: str = NO_COMMIT
) -> Load:
    """Send for SECONDS, as much as is taken, or about `rate` a second where an answer takes `usual` milliseconds."""
    body = payload(commit)
    pause = CONNECTIONS / rate * 1000 - percentile(usual or [0.0], 0.5) if rate else 0.0
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        script = [file.name, signature(secret, body), str(max(0, round(pause))), secrets.token_hex(6)]
        done = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", str(SCRIPT), url, "--", *script],
            check=True,
            capture_output=True,
            text=True,
        )
    numbers = next(line for line in done.stdout.splitlines() if line.startswith("RESULT")).split()[1:]
    requests, microseconds, failed, p50, p99 = map(float, numbers)
    if failed:
        raise RuntimeError(f"{failed:.0f} of {requests:.0f} requests to {url} failed")
    return Load(rate=requests / microseconds * 1e6, p50=p50 / 1000, p99=p99 / 1000)
