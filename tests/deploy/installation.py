"""An installation of deploy/compose.yaml by the real Compose: a project, ports and a data directory of its own."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.bus.servers import free_port
from tests.waiting import eventually

ROOT = Path(__file__).parent.parent.parent
COMPOSE = ROOT / "deploy/compose.yaml"
FULL = "docker-compose.full.yaml"
PORTS = ("APP_PORT", "GALLEY_HTTP_PORT", "GALLEY_HTTPS_PORT", "GALLEY_BUS_PORT", "GALLEY_TRAEFIK_PORT")
PASSWORD = "correct-horse-battery"
NOT_YET = (httpx.HTTPError, AssertionError, LookupError, StopIteration)


def plugin(home: Path) -> Path:
    """A folder for DOCKER_CONFIG in which `docker compose` is the Compose of our packages."""
    folder = home / "cli-plugins"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "docker-compose").symlink_to(Path(sys.executable).parent / "docker-compose")
    return home


@dataclass
class Installation:
    """`directory` is as an operator's: the compose file and what it mounts, and the file .env, in which `more` is as well."""

    directory: Path
    images: Mapping[str, str]  # TAG, and the names of stand-ins
    project: str = field(default_factory=lambda: f"seatrial-test-{secrets.token_hex(3)}")
    values: dict[str, str] = field(default_factory=dict)
    file: str = COMPOSE.name
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lay the files out."""
        shutil.copytree(COMPOSE.parent, self.directory, dirs_exist_ok=True)
        ports = {name: str(free_port()) for name in PORTS}
        self.values = {
            **self.images,
            **ports,
            "SITE_URL": f"https://localhost:{ports['GALLEY_HTTPS_PORT']}",
            "SECRET_KEY": secrets.token_hex(32),
            "GALLEY_MASTER_KEY": secrets.token_hex(32),
            "POSTGRES_PASSWORD": secrets.token_hex(24),
            "SEATRIAL_ADMIN_PASSWORD": PASSWORD,
            "GALLEY_AGENT_TOKEN": f"galley_{secrets.token_hex(32)}",
            "GALLEY_PREVIEW_DOMAIN": "preview.localhost",
            "GALLEY_PREVIEW_PORT": ports["GALLEY_HTTPS_PORT"],
            "GALLEY_DATA_DIR": str(self.directory / "agent"),
            **self.more,
        }
        lines = [f"{name}={value}" for name, value in self.values.items()]
        (self.directory / ".env").write_text("\n".join(lines) + "\n")
        plugin(self.directory / "docker")

    def run(
        self, *arguments: str, timeout: float = 900, into: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`docker ARGUMENTS` as an operator types it in the folder, to its end; `> into`."""
        ours = {"DOCKER_CONFIG": str(self.directory / "docker"), "COMPOSE_PROJECT_NAME": self.project}
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}
        with into.open("w") if into else nullcontext(subprocess.PIPE) as stdout:
            return subprocess.run(
                ["docker", *arguments],
                cwd=self.directory,
                env={**inherited, **ours},
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                timeout=timeout,
                check=False,
            )

    def compose(self, *arguments: str) -> str:
        """`docker compose ARGUMENTS`, which must succeed; returns what it printed."""
        done = self.run("compose", "-f", self.file, *arguments, timeout=1500)
        assert done.returncode == 0, (
            f"docker compose {' '.join(arguments)}\n{done.stdout}{done.stderr}\n{self.last_words()}"
        )
        return done.stdout

    def states(self) -> dict[str, str]:
        """What Compose says of each service: its health, or its state where it has none."""
        rows = [json.loads(line) for line in self.compose("ps", "--all", "--format", "json").splitlines()]
        return {row["Service"]: row["Health"] or row["State"] for row in rows}

    def container(self, service: str) -> str:
        """The service's container."""
        return f"{self.project}-{service}-1"

    def kill(self, *services: str) -> None:
        """Kill the first process of each, as the kernel does when memory runs out."""
        for service in services:
            process = self.run("inspect", "--format", "{{.State.Pid}}", self.container(service)).stdout
            os.kill(int(process), signal.SIGKILL)

    def last_words(self) -> str:
        """The ends of all logs."""
        return self.run("compose", "-f", self.file, "logs", "--tail", "40", "--no-color").stdout

    def browser(self) -> httpx.Client:
        """Somebody in front of the ingress, whose certificate nobody has vouched for yet."""
        return httpx.Client(
            base_url=self.values["SITE_URL"],
            verify=False,
            trust_env=False,
            timeout=180,
            follow_redirects=True,
        )

    def signed_in(self) -> "Person":
        """The admin."""
        client = self.browser()
        client.get("/accounts/login/").raise_for_status()
        form = {
            "login": "admin",
            "password": PASSWORD,
            "csrfmiddlewaretoken": client.cookies["__Host-csrftoken"],
        }
        answer = client.post("/accounts/login/", data=form, headers={"Referer": self.values["SITE_URL"]})
        assert "Sign out" in answer.text, answer.text[:2000]
        return Person(client)

    def visit(self, url: str) -> httpx.Response:
        """What a visitor of a preview gets; `*.localhost` need not resolve here."""
        parsed = httpx.URL(url)
        with self.browser() as client:
            return client.get(
                parsed.copy_with(host="127.0.0.1"),
                headers={"Host": f"{parsed.host}:{parsed.port}"},
                extensions={"sni_hostname": parsed.host},
            )

    def down(self) -> None:
        """Remove everything of the project."""
        self.compose("down", "--volumes", "--timeout", "5")


@dataclass
class Person:
    """Somebody signed in, by a browser's session."""

    client: httpx.Client

    def get(self, path: str) -> Any:
        """GET below /api/v1."""
        answer = self.client.get(f"/api/v1{path}")
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST below /api/v1."""
        headers = {
            "X-CSRFToken": self.client.cookies["__Host-csrftoken"],
            "Referer": str(self.client.base_url),
        }
        answer = self.client.post(f"/api/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def agent(self) -> dict[str, Any]:
        """The only agent."""
        listed = self.get("/agents")
        (agent,) = listed["items"] if isinstance(listed, dict) else listed
        return dict(agent)

    def online(self) -> dict[str, Any]:
        """The only agent, once it is online; its sandbox may still be being prepared."""
        return eventually(
            lambda: (agent := self.agent())["state"] == "online" and agent,
            what="the agent is online",
            not_yet=NOT_YET,
        )
