"""A data directory of one's own, and a place for what the supervisor says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import Records
from seatrial.embedded.supervisor import Supervisor


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    """Made, and empty."""
    directory = DataDirectory(tmp_path / "data")
    directory.create()
    return directory


@pytest.fixture
def said() -> list[str]:
    """What the supervisor said."""
    return []


@pytest.fixture
async def supervisor(data: DataDirectory, said: list[str]) -> AsyncIterator[Supervisor]:
    """Watches nothing yet; what a test leaves running is stopped."""
    supervisor = Supervisor(Records(data.run), data.logs, said.append)
    yield supervisor
    await supervisor.stop()
