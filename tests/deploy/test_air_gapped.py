"""deploy/docker-compose.full.yaml, whole, as docs/install/airgapped.md has it typed. With a bundle, and no way out: the walk `airgapped`."""

import base64
import ipaddress
import secrets
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import trustme

from scripts.images.making import OTHERS
from tests.deploy.installation import FULL, Installation, free_port
from tests.engines import require
from tests.forges.hosts.gitlab import GitLabSite
from tests.waiting import eventually

pytestmark = [pytest.mark.docker, pytest.mark.gvisor, pytest.mark.slow]
SUBNET = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}"]


@pytest.fixture
def gitlab(authority: trustme.CA, tmp_path: Path) -> Iterator[GitLabSite]:
    """Behind TLS of the organisation, at an address that containers reach before any network of theirs is there."""
    subnet = subprocess.run(SUBNET, capture_output=True, text=True, check=True).stdout.strip()
    address = str(ipaddress.ip_network(subnet)[1])  # the host's
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(address).configure_cert(context)
    with (site := GitLabSite(tmp_path / "gitlab")).serving(context=context, host=address):
        yield site


@pytest.fixture
def air_gapped(
    images: Mapping[str, str], gitlab: GitLabSite, authority: trustme.CA, tmp_path: Path
) -> Iterator[Installation]:
    """Not started yet. The images of others have the names that they have in a bundle."""
    require("gvisor")
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    named = {
        f"gitgrit-{other.name}:{images['TAG']}": images.get(other.variable, other.image) for other in OTHERS
    }
    for name, image in named.items():
        subprocess.run(["docker", "tag", image, name], check=True)
    port, address = str(free_port()), gitlab.url.removeprefix("https://").partition(":")[0]
    more = {
        "APP_PORT": port, "SITE_URL": f"http://{address}:{port}", "GALLEY_PREVIEW_PORT": str(free_port()),
        "GITGRIT_ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(), "GITGRIT_CUSTOM_CA_FILE_PATH": str(tmp_path / "ca.pem"),
        "GITLAB_URL": gitlab.url, "GITLAB_CLIENT_ID": "the-application", "GITLAB_CLIENT_SECRET": "its-secret",
    }  # fmt: skip
    installation = Installation(tmp_path / "install", images, file=FULL, more=more)
    try:
        yield installation
    finally:
        installation.down()
        subprocess.run(["docker", "rmi", *named], check=False, capture_output=True)


def test_the_stack_comes_up_is_set_up_and_tested_and_goes(air_gapped: Installation) -> None:
    air_gapped.compose("up", "-d")
    said = air_gapped.compose("exec", "app", "python", "manage.py", "airgap_setup")
    assert said.startswith(
        f"SITE_URL OK: {air_gapped.values['SITE_URL']}\nOperator CA bundle OK: /etc/seatrial/ca.pem ("
    )
    assert said.endswith("Air-gap setup complete.\n")
    eventually(  # before the smoketest, which costs much more than this question
        lambda: set(air_gapped.states().values()) == {"healthy", "exited"},
        seconds=600,
        what="all are healthy",
    )
    said = eventually(lambda: passed(air_gapped), seconds=600, what="the smoketest passes")
    assert said.endswith("airgap_smoketest PASSED\n")
    assert "OK    agent local: a sandbox runs under runsc (HostConfig.Runtime)" in said
    assert "web started" in air_gapped.compose("logs", "app")
    air_gapped.down()
    for listing in (["ps", "--all"], ["network", "ls"], ["volume", "ls"]):
        filtered = ["--quiet", "--filter", f"label=com.docker.compose.project={air_gapped.project}"]
        assert air_gapped.run(*listing, *filtered).stdout == ""


def passed(air_gapped: Installation) -> str:
    """What the smoketest printed, once its exit code is 0: the agent may need long on a busy machine."""
    done = air_gapped.run(
        "compose", "-f", air_gapped.file, "exec", "app", "python", "manage.py", "airgap_smoketest"
    )
    return done.stdout if done.returncode == 0 else ""
