"""Fixtures: a data directory for each test, and the list of events that the supervisor reports."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import Records
from seatrial.embedded.supervisor import Supervisor


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    """A new, empty data directory."""
    directory = DataDirectory(tmp_path / "data")
    directory.create()
    return directory


@pytest.fixture
def said() -> list[str]:
    """The lines that the supervisor reported."""
    return []


@pytest.fixture
async def supervisor(data: DataDirectory, said: list[str]) -> AsyncIterator[Supervisor]:
    """A supervisor without processes. Processes that a test leaves running are stopped."""
    supervisor = Supervisor(Records(data.run), data.logs, said.append)
    yield supervisor
    await supervisor.stop()
