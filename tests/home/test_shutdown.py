"""A web process with open streams still stops at once when it is told to."""

import os
import signal
import subprocess
import sys
import time

import httpx
import pytest
from django.conf import settings
from django.test import Client

from tests import factories as make
from tests.bus.servers import free_port

pytestmark = pytest.mark.postgres


@pytest.mark.django_db(transaction=True)
def test_sigterm_ends_open_streams() -> None:
    client = Client()
    client.force_login(make.user("alice"))
    port = free_port()
    database = settings.DATABASES["default"]
    environment = {**os.environ, "DB_NAME": str(database["NAME"]), "DB_HOST": str(database["HOST"])}
    command = [sys.executable, "-m", "seatrial.control.web", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        base = f"http://localhost:{port}"
        wait_for(f"{base}/healthz")
        cookies = {name: morsel.value for name, morsel in client.cookies.items()}
        with httpx.stream("GET", f"{base}/stream", cookies=cookies, timeout=60) as stream:
            assert stream.status_code == 200
            parts = stream.iter_text()
            next(parts)
            process.send_signal(signal.SIGTERM)
            for _ in parts:
                pass
        assert process.wait(60) in {0, -signal.SIGTERM}
    finally:
        process.kill()
        process.communicate()


def wait_for(address: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the web process does not answer")
