"""The control plane's two processes, and the command run before them."""

import sys
from collections.abc import Mapping
from pathlib import Path

from seatrial.embedded import checkout
from seatrial.embedded.components.base import Component, Ready, answers_http, at_once
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import ChildProgram
from seatrial.embedded.remembered import Remembered
from seatrial.embedded.secrets import UNUSED, Secrets

KEYS = ("SECRET_KEY", "GALLEY_MASTER_KEY", "GITGRIT_ENCRYPTION_KEY")  # how the names of their variables begin


def environment(
    data: DataDirectory,
    remembered: Remembered,
    secrets: Secrets,
    database: Mapping[str, str],
    inherited: Mapping[str, str],
) -> dict[str, str]:
    """The environment of web, worker and commands: the caller's, overridden by the platform's. The keys are those of the data
    directory, whichever another installation has; they are named as files, so that a rotation reaches who runs."""
    return {
        **{name: value for name, value in inherited.items() if not name.startswith(KEYS)},
        **database,
        "SEATRIAL_DATA_DIR": str(data.root),
        "DJANGO_SETTINGS_MODULE": "seatrial.control.settings",
        "SITE_URL": remembered.site_url,
        "APP_PORT": str(remembered.port),
        **(_keys(data) if secrets is not UNUSED else {}),
        "GALLEY_NATS_URL": f"nats://127.0.0.1:{remembered.nats_port}",
        "GALLEY_NATS_CREDENTIALS": str(data.keys / "control.creds"),
        "GALLEY_NATS_SIGNING_SEED": str(data.keys / "signing.seed"),
        "GALLEY_PREVIEW_DOMAIN": "preview.localhost",
        "GALLEY_PREVIEW_SCHEME": "http",
        "GALLEY_PREVIEW_PORT": str(remembered.ingress_port),
        "GALLEY_ROUTES_FILE": str(data.routes),
        "GALLEY_INGRESS_VISITS": str(data.traefik / "visits"),
        "GALLEY_TRAEFIK_API_URL": f"http://127.0.0.1:{remembered.traefik_port}",
        "GIT_SHA": inherited.get("GIT_SHA") or checkout.commit(),
        "PYTHONUNBUFFERED": "1",
    }


def _keys(data: DataDirectory) -> dict[str, str]:
    named = {"SECRET_KEY": data.secret_key, "GALLEY_MASTER_KEY": data.master_key}
    former = {f"{name}_FALLBACKS": data.former(key) for name, key in named.items()}
    return {f"{name}_FILE": str(file) for name, file in (named | former).items()}


def first_data(
    data: DataDirectory, environment: Mapping[str, str], *, pg_dump: Path | None, report: Path
) -> ChildProgram:
    """The program that prepares the database: backup (by `pg_dump`), migrations, first user, token, starter pack. It must end
    before any other process of the control plane starts. What came of it is in `report` then."""
    line = [sys.executable, "-m", "seatrial.control.manage", "bootstrap", "--username", "admin"]
    line += ["--password-file", str(data.admin_password), "--token-file", str(data.token)]
    line += ["--report", str(report)]
    line += ["--backups", str(data.backups), "--pg-dump", str(pg_dump)] if pg_dump else []
    return ChildProgram(name="first-data", arguments=line, environment=environment, directory=Path("/"))


def web(port: int, environment: Mapping[str, str]) -> Component:
    """The web process."""
    line = [sys.executable, "-m", "seatrial.control.web", "--port", str(port)]
    line += _forwarded(environment["SITE_URL"])
    program = ChildProgram(name="web", arguments=line, environment=environment, directory=Path("/"))
    return Component(program=program, ready=ready(port), what="the web process")


def ready(port: int) -> Ready:
    """Whether the web process answers, and its database does."""

    async def answered() -> str | None:
        return await answers_http(f"http://127.0.0.1:{port}/healthz")

    return answered


def _forwarded(site_url: str) -> list[str]:
    """The options that trust forwarded addresses. They are given only for an https address: the platform has no TLS itself,
    so such an address means that a proxy on this machine is in front."""
    if site_url.startswith("https://"):
        return ["--trusted-proxy", "127.0.0.1"]
    return []


def worker(environment: Mapping[str, str]) -> Component:
    """The worker process."""
    line = [sys.executable, "-m", "seatrial.control.worker"]
    program = ChildProgram(name="worker", arguments=line, environment=environment, directory=Path("/"))
    return Component(program=program, ready=at_once, what="the worker")
