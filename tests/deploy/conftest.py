"""Fixtures: the images of this work tree, built once per session, and one installation of them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import trustme

from tests.deploy.certificates import own_certificate
from tests.deploy.installation import ROOT, Installation
from tests.engines import missing, require

HERE = Path(__file__).parent
KEPT = "SEATRIAL_TEST_IMAGES"  # a file that scripts/build-images --env wrote: its images are used, and kept


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests more time: the first that needs images waits until they are built."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(1_800))


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The lines that .env needs to name the images."""
    require("docker")
    require("buildah")
    if os.geteuid() != 0:
        missing("an agent in a container needs the engine of root")
    if kept := os.environ.get(KEPT):
        yield read(Path(kept))
        return
    env = tmp_path_factory.mktemp("images") / "env"
    command = [sys.executable, "-m", "scripts.build_images", f"test-{os.getpid()}", "--env", str(env)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"ALLOW_DIRTY": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-5000:]
    yield read(env)
    subprocess.run(["docker", "rmi", "--force", *done.stdout.split()], capture_output=True, check=False)


def read(file: Path) -> Mapping[str, str]:
    """The values of a file of NAME=value lines."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The authority of an organisation whose code host has a certificate of it."""
    return trustme.CA()


@pytest.fixture(scope="session")
def installation(
    tmp_path_factory: pytest.TempPathFactory, images: Mapping[str, str], authority: trustme.CA
) -> Iterator[Installation]:
    """Up and healthy; removed at the end."""
    folder = tmp_path_factory.mktemp("galley")
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)  # containers that are not root read what is mounted from there
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    own_certificate(folder / "tls", authority)
    settings = {"GITGRIT_CUSTOM_CA_FILE_PATH": str(folder / "ca.pem"), "GALLEY_TLS_DIR": str(folder / "tls")}
    installation = Installation(folder, {**images, **settings})
    try:
        installation.compose("up", "--detach", "--wait", "--wait-timeout", "900")
        yield installation
    finally:
        installation.down()
