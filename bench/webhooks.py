"""Measures how long a forge waits for the answer to a signed delivery, which is stored before it is answered."""

import hashlib
import hmac
import json
import secrets
import subprocess
import sys
import uuid

import httpx

from bench.timing import Measurement, percentile, stopwatch
from e2e.platform import Platform


def measure(platform: Platform, *, deliveries: int = 400) -> list[Measurement]:
    """Measure over one connection, one delivery after the other, each with an id of its own."""
    secret = secrets.token_hex(32)
    connection = subprocess.run(
        [sys.executable, "-m", "bench.connection", secret],
        env=platform.process("web").environ(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    url = f"http://127.0.0.1:{platform.port}/api/v1/webhooks/local/{connection}"
    body = json.dumps(
        {
            "ref": "refs/heads/main",
            "after": "0" * 40,
            "repository": {"id": 1, "full_name": "bench/none"},
            "sender": {"login": "bench"},
        }
    ).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    values = []
    with httpx.Client(trust_env=False) as client:
        for _ in range(deliveries):
            headers = {
                "Content-Type": "application/json",
                "X-GitHub-Event": "push",
                "X-GitHub-Delivery": str(uuid.uuid4()),
                "X-Hub-Signature-256": signature,
            }
            with stopwatch() as elapsed:
                answer = client.post(url, content=body, headers=headers)
                values.append(elapsed() * 1000)
            if answer.status_code != 202:
                raise RuntimeError(f"the delivery was answered {answer.status_code}: {answer.text}")
    return [
        Measurement("webhook acknowledgement", "ms", values),
        Measurement("webhook acknowledgement, p99", "ms", [percentile(values, 0.99)]),
    ]
