"""One platform per test session; tests use repositories of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.platform import Platform, eventually
from tests.engines import require


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A running platform, purged at the end."""
    require("docker")
    require("gvisor")
    platform = Platform(tmp_path_factory.mktemp("seatrial") / "data")
    try:
        platform.up()
        eventually(lambda: platform.status()["agents"][0]["state"] == "online", what="the agent is online")
        yield platform
    finally:
        platform.run("down", "--purge", timeout=120)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a test keeps its repositories."""
    return tmp_path
