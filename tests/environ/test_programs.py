"""The programs end with a sentence per variable, or go on with a warning; never with a traceback."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from seatrial.control import start
from seatrial.control.start import CannotStart, refuse_unfit

PROGRAMS = {
    "seatrial.control.web": ("APP_PORT", "SITE_URL"),
    "seatrial.control.worker": ("APP_PORT", "SITE_URL"),
    "seatrial.control.manage": ("APP_PORT", "SITE_URL"),
    "seatrial.agent.main": ("GALLEY_MAX_MEMORY", "DOCKER_HOST"),
}
Run = Callable[..., subprocess.CompletedProcess[str]]


def run(program: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", program, *words],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_names_every_variable_that_is_wrong_and_ends(program: str) -> None:
    done = run(program, **dict.fromkeys(PROGRAMS[program], "s3cret value"))
    assert done.returncode in {1, 2} and "Traceback" not in done.stderr and "s3cret" not in done.stderr
    lines = [line.removeprefix("galley-agent: ") for line in done.stderr.splitlines()]
    assert sorted(line.split(":")[0] for line in lines) == sorted(PROGRAMS[program])


def test_the_agent_says_what_it_left_out() -> None:
    done = run("seatrial.agent.main", GALLEY_DATA_DIR="'/proc/nowhere'", GALLEY_MAX_MEMORY="4g\r")
    said = done.stderr.splitlines()
    assert (
        said[0]
        == "galley-agent: GALLEY_DATA_DIR: the quotes around its value were left out. Remove them where it is set"
    )
    assert said[1].startswith("galley-agent: GALLEY_MAX_MEMORY: the spaces or a Windows line end")
    assert "/proc/nowhere" in said[2] and len(said) == 3


def test_the_control_plane_says_what_it_left_out(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GITLAB_URL", '"https://git.test"')
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"secret_key": SecretStr("")})
    with caplog.at_level(logging.WARNING), pytest.raises(CannotStart):
        refuse_unfit()
    assert "GITLAB_URL: the quotes around its value were left out" in caplog.text


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of it is not what is tested here."""
    monkeypatch.setattr(start, "_vault_problems", list)


def test_without_internet_nothing_serves_at_localhost(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEATRIAL_DATA_DIR", raising=False)
    update = {"airgapped": True, "site_url": "http://localhost:3000", "secret_key": SecretStr("")}
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update=update)
    with pytest.raises(CannotStart, match="SITE_URL: must not be localhost"):
        refuse_unfit()
