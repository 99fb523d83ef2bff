"""Where the demo keeps everything, and the settings of its install."""

import hashlib
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial import files
from seatrial.cli.errors import CommandError
from seatrial.dotenv import file as dotenv
from seatrial.dotenv import keys

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
USUAL = "~/.local/share/seatrial-compose"
PROJECT = "COMPOSE_PROJECT_NAME"
PASSWORD = "SEATRIAL_ADMIN_PASSWORD"
STANDARD_SOCKET = "/var/run/docker.sock"
# Those of an install and those of `make demo` are others, so that all may run beside each other.
PORTS = {
    "GALLEY_HTTPS_PORT": 8443,
    "GALLEY_HTTP_PORT": 8442,
    "APP_PORT": 8441,
    "GALLEY_TRAEFIK_PORT": 8440,
    "GALLEY_BUS_PORT": 8439,
}


@dataclass(frozen=True)
class Place:
    """One folder, for its owner alone. `install` in it is what an operator has at /opt/galley."""

    root: Path

    @property
    def install(self) -> Path:
        return self.root / "install"

    @property
    def env(self) -> Path:
        return self.install / ".env"

    @property
    def agent(self) -> Path:
        """The agent's data directory; its files belong to root."""
        return self.root / "agent"

    @property
    def authority(self) -> Path:
        """The certificate of the demo's own authority."""
        return self.root / "authority.pem"

    @property
    def certificates(self) -> Path:
        """What the ingress shows."""
        return self.root / "tls"

    @property
    def forge(self) -> Path:
        return self.root / "forge"

    @property
    def values(self) -> Mapping[str, str]:
        """The variables of .env; none before it is written."""
        return dotenv.read(self.env).values if self.env.exists() else {}


def of_environment(environ: Mapping[str, str]) -> Place:
    """Beside the data directory of `make demo`."""
    beside = environ.get("SEATRIAL_DATA_DIR")
    return Place(Path(f"{beside}-compose" if beside else USUAL).expanduser().absolute())


def lay_out(place: Place) -> None:
    """The folders, and the files of the install: those of this checkout, whatever was there."""
    place.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.root.chmod(0o700)
    for source in sorted(DEPLOY.rglob("*")):
        target = place.install / source.relative_to(DEPLOY)
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            target.chmod(0o755)  # containers whose user is not root read what is mounted from there
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            files.replace(target, source.read_text(), mode=source.stat().st_mode & 0o777 | 0o444)


def settle(place: Place, images: Mapping[str, str]) -> None:
    """Write .env by `seatrial init`, without a question. Keys, ports and password stay what they were. Raises CommandError."""
    kept = {name: value for name, value in place.values.items() if not name.endswith("_IMAGE")}
    values = {**_first(place, kept), **kept, **images}
    dotenv.write(place.env, "".join(dotenv.line(*one) + "\n" for one in values.items()), replace=True)
    asked = {
        "--kind": "one-host",
        "--site-url": f"https://localhost:{values['GALLEY_HTTPS_PORT']}",
        "--preview-domain": "preview.localhost",
        "--forge": "none",
        "--ca-file": str(place.authority),
        "--tag": values["TAG"],
        "--file": str(place.env),
    }
    command = [str(Path(sys.executable).parent / "seatrial"), "init", "--force"]
    command += [word for option in asked.items() for word in option]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"{place.env} could not be written: {done.stderr.strip()}")


def _first(place: Place, kept: Mapping[str, str]) -> dict[str, str]:
    """What `seatrial init` does not ask for, and what it has no reason to choose as a demo must."""
    ports = ports_for(kept, is_free)
    return {
        **ports,
        PROJECT: project(place),
        PASSWORD: keys.first_password(),
        "GALLEY_PREVIEW_PORT": ports["GALLEY_HTTPS_PORT"],
        "GALLEY_DATA_DIR": str(place.agent),
        "GALLEY_TLS_DIR": str(place.certificates),
        "GALLEY_ENGINE_SOCKET": engine_socket(os.environ),
    }


def ports_for(kept: Mapping[str, str], free: Callable[[int], bool]) -> dict[str, str]:
    """The ports of an earlier start, else the usual ones, or others where these are taken."""
    chosen: dict[str, str] = {}
    for name, usual in PORTS.items():
        port = usual
        while not free(port):
            port = 20_000 + secrets.randbelow(10_000)
        chosen[name] = kept.get(name) or str(port)
    return chosen


def is_free(port: int) -> bool:
    """Whether nobody listens on it, on any address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def project(place: Place) -> str:
    """What Compose calls the install: each folder has its own, so that two never take each other for theirs."""
    usual = Path(USUAL).expanduser().absolute()
    mark = "" if place.root == usual else "-" + hashlib.sha256(str(place.root).encode()).hexdigest()[:6]
    return f"seatrial-demo{mark}"


def engine_socket(environ: Mapping[str, str]) -> str:
    """The socket of the engine. Raises CommandError for an engine without one here: its containers would be elsewhere."""
    address = environ.get("DOCKER_HOST") or f"unix://{STANDARD_SOCKET}"
    if not address.startswith("unix://"):
        raise CommandError(
            f"DOCKER_HOST is {address}, and this demo needs the engine of this machine.",
            fix="Run: unset DOCKER_HOST",
        )
    return address.removeprefix("unix://")
