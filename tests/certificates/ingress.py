"""The ingress of deploy/compose.yaml: the real Traefik, started as the file says, in folders and at ports of a test."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bus.servers import free_port
from tests.certificates.programs import running
from tests.deploy.test_files import NEEDED, configured
from tests.engines import require

DEPLOY = Path(__file__).parents[2] / "deploy"
SITE, DOMAIN = "galley.test", "preview.test"
PORTS = ("GALLEY_HTTP_PORT", "GALLEY_HTTPS_PORT", "GALLEY_TRAEFIK_PORT")


@dataclass(frozen=True)
class Ingress:
    """Where it is, and what it keeps."""

    folder: Path  # instead of the root of its container
    ports: dict[str, int]
    log: Path

    @property
    def address(self) -> str:
        """Of TLS."""
        return f"127.0.0.1:{self.ports['GALLEY_HTTPS_PORT']}"

    @property
    def errors(self) -> Path:
        """What it said about certificates that went wrong."""
        return self.folder / "ingress/errors"

    @property
    def stored(self) -> Path:
        """The account and its certificates."""
        return self.folder / "tls/acme.json"


def laid_out(folder: Path) -> Ingress:
    """Empty volumes."""
    for name in ("tls", "ingress", "etc/traefik/dynamic"):
        (folder / name).mkdir(parents=True)
    shutil.copy(DEPLOY / "traefik/site.yml", folder / "etc/traefik/dynamic")
    return Ingress(folder, {name: free_port() for name in PORTS}, folder / "traefik.log")


@contextmanager
def up(ingress: Ingress, acme_env: dict[str, str], **values: str) -> Iterator[subprocess.Popen[bytes]]:
    """The service `traefik` with these variables in .env, and these lines in acme.env."""
    given = {**NEEDED, **{name: str(port) for name, port in ingress.ports.items()}, **values}
    service = configured(**{**given, "SITE_URL": f"https://{SITE}", "GALLEY_PREVIEW_DOMAIN": DOMAIN})[
        "services"
    ]["traefik"]
    script = DEPLOY / Path(service["entrypoint"][1]).relative_to("/etc")
    targets = {volume["target"] for volume in service["volumes"] if volume["type"] == "volume"}
    assert targets == {"/tls", "/etc/traefik/dynamic", "/ingress"}
    # The lines of acme.env stand behind those of the compose file, as in a container; paths are in the folder.
    environment = {
        name: f"{ingress.folder}{value}" if value.startswith(tuple(targets)) else value
        for name, value in service["environment"].items()
        if value is not None
    }
    require("traefik")
    if own := values.get("GITGRIT_CUSTOM_CA_FILE_PATH"):
        assert environment["LEGO_CA_CERTIFICATES"] == "/etc/seatrial/ca.pem"
        environment["LEGO_CA_CERTIFICATES"] = own
    environment["PATH"] = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    with running(["/bin/sh", str(script)], ingress.log, {**acme_env, **environment}) as program:
        yield program
