"""A platform under attack: a preview to attack from, one to attack, and commands that try to connect."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from e2e.platform import Platform, docker, eventually
from e2e.repositories import commit, static

# Runs each command that it is sent, and answers with its output. Nothing that is asked here goes on for ever.
SHELL = "#!/bin/busybox sh\necho\n/bin/busybox sh 2>&1\n"
SHELL_SECONDS = 600
ENDED = "the script has ended"
# Text that only our own processes and the neighbour send. A connection alone proves nothing: proxies accept any.
MARKS = ('{"status"', "INFO {", '"Codename"', "404 page not found", "page of the neighbour")


def ask(host: str, port: int, path: str = "/") -> str:
    """A shell command that makes one HTTP request, and prints what is answered in the next seconds."""
    request = (
        f"/bin/busybox printf 'GET {path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n'; /bin/busybox sleep 9"
    )
    return f"({request}) | /bin/busybox timeout 10 /bin/busybox nc {host} {port}"


@dataclass
class Stage:
    """A preview to attack from, one to attack, and a platform to attack."""

    platform: Platform
    environment: dict[str, Any]
    neighbour: dict[str, Any]

    def inside(self, script: str) -> str:
        """All output of `script` inside the preview. It is run again if the preview was away, or stopped in the middle."""

        def output() -> str:
            answer = self._sent(f"{script}\necho {ENDED}")
            assert answer.status_code == 200 and ENDED in answer.text, (answer.status_code, answer.text)
            return answer.text.replace(ENDED, "")

        return str(eventually(output, seconds=SHELL_SECONDS, what="the preview's shell answers"))

    def _sent(self, script: str) -> httpx.Response:
        url = httpx.URL(self.environment["urls"]["web"] + "/cgi-bin/sh")
        return httpx.post(
            url.copy_with(host="127.0.0.1"),
            content=script,
            timeout=SHELL_SECONDS,
            trust_env=False,
            verify=False,
            headers={"Host": f"{url.host}:{url.port}"},
        )

    def ports(self) -> dict[str, tuple[int, str]]:
        """The ports on which the platform listens, each with a path whose answer identifies it."""
        known = json.loads((self.platform.directory / "platform.json").read_text())
        paths = {"port": "/healthz", "ingress_port": "/", "nats_port": "/", "traefik_port": "/api/version"}
        return {name: (known[name], path) for name, path in paths.items()}

    def addresses(self) -> list[str]:
        """Addresses at which a container or a build might reach its host; slirp4netns answers at 10.0.2.2."""
        gateway = container(self.environment)["Gateway"]
        own = [a.address for a in psutil.net_if_addrs().get("docker0", []) if a.family.name == "AF_INET"]
        return [gateway, "10.0.2.2", *own]

    def knocks(self) -> str:
        """A shell script that requests all ports of the platform at all addresses, and the neighbour, at the same time."""
        near = container(self.neighbour)
        calls = [ask(host, port, path) for host in self.addresses() for port, path in self.ports().values()]
        calls += [ask(near["IPAddress"], 8080), ask(near["Name"], 8080), ask("neighbour", 8080)]
        return " ".join(f"({call}) &" for call in calls) + " wait"


def container(environment: dict[str, Any]) -> dict[str, str]:
    """Name, address and gateway of the preview's one container."""
    [name] = docker(
        "ps", "--format", "{{.Names}}", "--filter", f"label=galley.environment={environment['id']}"
    )
    [network] = json.loads(docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", name)[0]).values()
    return {**network, "Name": name}


def set_up(platform: Platform, home: Path) -> Stage:
    """Both previews, made at the same time below `home`."""
    cell = static(home / "cell", **{"www/cgi-bin/sh": SHELL})
    (cell / "www/cgi-bin/sh").chmod(0o755)
    commit(cell, {"note": "make it executable"})
    near = static(home / "neighbour", "page of the neighbour")
    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda path: platform.json("preview", str(path), "--branch", "feature"), (cell, near))
    return Stage(platform, *made)
