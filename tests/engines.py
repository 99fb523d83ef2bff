"""Whether a real part is here. Missing: a loud skip on a laptop, a failure in CI."""

import os
import shutil
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(sys.executable).parent


def find(name: str) -> str | None:
    """The program `name`: beside this Python, or on the PATH."""
    beside = SCRIPTS / name
    return str(beside) if beside.exists() else shutil.which(name)


def require(name: str) -> str:
    """The path of the program `name`; without it the test is skipped, or fails where engines are required."""
    program = find(name)
    if program is None:
        missing(f"{name} is not installed")
    assert program is not None
    return program


def missing(reason: str) -> None:
    """End this test: the engine it needs is not here."""
    if os.environ.get("CI") == "true" or os.environ.get("SEATRIAL_REQUIRE_ENGINES") == "1":
        pytest.fail(f"{reason}, and engines are required here")
    pytest.skip(f"{reason}: this test did not run")
