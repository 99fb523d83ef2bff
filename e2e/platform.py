"""One embedded platform in a directory of its own, and questions about what it leaves on the host."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests import waiting
from tests.bus.servers import free_port

# Settings that unit tests of the same run put into the environment: this platform has its own.
OURS = ("DB_", "GALLEY_", "GITGRIT_", "SEATRIAL_", "DJANGO_", "SECRET_KEY", "SITE_URL", "APP_PORT")
# The exceptions of a request while a process is away.
NOT_YET = (
    httpx.HTTPError, AssertionError, LookupError, StopIteration, FileNotFoundError, psutil.Error,
    subprocess.SubprocessError,
)  # fmt: skip
SEATRIAL = str(Path(sys.executable).parent / "seatrial")


def eventually(check: Callable[[], Any], *, seconds: float = 600, what: str = "") -> Any:
    """Call `check` until it returns something true. The failure shows the last answer."""
    return waiting.eventually(check, seconds=seconds, what=what, not_yet=NOT_YET)


@dataclass
class Platform:
    """`seatrial up` with its own data directory and ports."""

    directory: Path
    port: int = field(default_factory=free_port)
    ingress: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which every command of this platform runs."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {
            **inherited,
            "SEATRIAL_DATA_DIR": str(self.directory),
            "APP_PORT": str(self.port),
            "SEATRIAL_INGRESS_PORT": str(self.ingress),
            "NO_COLOR": "1",
            **self.settings,
        }

    def run(
        self, *arguments: str, timeout: float = 900, given: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`seatrial <arguments>`, to its end; `given` is its standard input."""
        return subprocess.run(
            [SEATRIAL, *arguments],
            env=self.environ,
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def json(self, *arguments: str, timeout: float = 900) -> Any:
        """`seatrial <arguments> --json`, parsed."""
        done = self.run(*arguments, "--json", timeout=timeout)
        assert done.stdout.strip().startswith("{"), (
            f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return json.loads(done.stdout)

    def up(self) -> None:
        """Start, and wait until it is ready."""
        done = self.run("up", "--detach")
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.last_words()}"

    def last_words(self, lines: int = 60) -> str:
        """The ends of all logs, for the report of a failed test, after which the directory is removed."""
        logs = sorted(self.directory.glob("logs/*.log"))
        ends = [[f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-lines:]] for log in logs]
        return "\n".join(line for end in ends for line in end) or f"no logs in {self.directory}"

    def purge(self) -> None:
        """End the platform and remove everything it made. Fails if anything is left."""
        agent = self.agent_id()
        done = self.run("down", "--purge")
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.last_words()}"
        assert not self.directory.exists(), f"left: {sorted(self.directory.rglob('*'))[:20]}"
        left = leftovers(agent) if agent else {}
        assert not left, f"left on the engine: {left}"

    def agent_id(self) -> str:
        """The id that labels everything this platform made on the engine, whether or not it runs.

        Empty when no agent ever registered.
        """
        try:
            return str(json.loads((self.directory / "agent/identity/credential.json").read_text())["agent"])
        except FileNotFoundError:
            return ""

    def status(self) -> dict[str, Any]:
        """The document of `seatrial status --json`, without starting the command."""
        return dict(self.api("/status"))

    def environments(self) -> list[dict[str, Any]]:
        """All environments of all projects."""
        return [e for project in self.status()["projects"] for e in project["environments"]]

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The response that a visitor of `url` gets; `*.localhost` need not resolve here."""
        parsed = httpx.URL(url)
        return httpx.get(
            parsed.copy_with(host="127.0.0.1"),
            headers={"Host": f"{parsed.host}:{parsed.port}", **(headers or {})},
            timeout=180,
            trust_env=False,
            verify=False,  # no certificates to load: that would take longer than the request
        )

    def visitor(self, url: str) -> httpx.Client:
        """Somebody who visits `url` again and again, with a new connection each time."""
        parsed = httpx.URL(url)
        return httpx.Client(
            base_url=parsed.copy_with(host="127.0.0.1"),
            headers={"Host": f"{parsed.host}:{parsed.port}"},
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=180,
            trust_env=False,
            verify=False,
        )

    @property
    def executable(self) -> Path:
        """The `seatrial` command."""
        return Path(SEATRIAL)

    def api(self, path: str) -> Any:
        """GET below /api/v1 with the command line's own token."""
        token = (self.directory / "token").read_text().strip()
        answer = httpx.get(
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=180,
            trust_env=False,
            verify=False,
        )
        answer.raise_for_status()
        return answer.json()

    def supervisor(self) -> psutil.Process:
        """The process that `seatrial up` left running."""
        return psutil.Process(json.loads((self.directory / "run" / "supervisor.json").read_text())["pid"])

    def process(self, component: str) -> psutil.Process:
        """The component's own process, which the supervisor looks after."""
        record = self.directory / "run" / f"{component}.json"
        return psutil.Process(json.loads(record.read_text())["pid"])

    def building(self, commit: str) -> bool:
        """Whether the commit's images are being built now."""
        deployments = [environment["deployment"] or {} for environment in self.api("/environments")]
        return any(
            phase["name"].startswith("build") and phase["seconds"] is None
            for deployment in deployments
            if deployment.get("commit") == commit
            for phase in deployment["phases"]
        )

    def processes(self) -> list[str]:
        """Command lines of what runs with this data directory in its command line or environment."""
        remaining = []
        for process in psutil.process_iter(["cmdline"]):
            try:
                line = " ".join(process.info["cmdline"] or [])
                if str(self.directory) in line or process.environ().get("SEATRIAL_DATA_DIR") == str(
                    self.directory
                ):
                    remaining.append(line)
            except psutil.Error:
                continue
        return remaining


def docker(*arguments: str) -> list[str]:
    """The lines that the engine's own command prints."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.strip()]


def leftovers(agent: str, *, environment: str | None = None) -> dict[str, list[str]]:
    """Everything on the engine that carries this agent's label (and this environment's): should be empty."""
    filters = ["--filter", f"label=galley.agent={agent}"]
    if environment:
        filters += ["--filter", f"label=galley.environment={environment}"]
    remaining = {
        "containers": docker("ps", "-aq", *filters),
        "networks": docker("network", "ls", "-q", *filters),
        "volumes": docker("volume", "ls", "-q", *filters),
        "images": docker("images", "-q", *filters),
    }
    return {kind: ids for kind, ids in remaining.items() if ids}
