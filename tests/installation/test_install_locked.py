"""`scripts/setup` installs with uv where it can be told what pip was told, and else with pip."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts import install_locked
from scripts.install_locked import for_uv, settings

CONFIGURED = """[global]
index-url = https://mirror.example/simple
extra-index-url =
    https://first.example/simple
    https://second.example/simple
find-links = /wheels /more
[install]
index-url = https://closer.example/simple
"""


@pytest.fixture
def _configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pip.conf"
    file.write_text(CONFIGURED)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setenv("PIP_CERT", "/own-authority.pem")


@pytest.mark.usefixtures("_configured")
def test_uv_is_told_what_pip_was() -> None:
    assert for_uv(settings()) == {
        "UV_DEFAULT_INDEX": "https://closer.example/simple",
        "UV_INDEX": "https://first.example/simple https://second.example/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": "/own-authority.pem",
    }


def test_who_set_nothing_has_the_default() -> None:
    assert for_uv({"timeout": "60", "no-index": "0"}) == {}


@pytest.mark.parametrize("name", ["proxy", "trusted-host", "client-cert", "no-index"])
def test_what_uv_cannot_be_told_is_left_to_pip(name: str) -> None:
    assert for_uv({name: "1"}) is None


@pytest.mark.parametrize("fails", ["uv", "pip install of uv", "neither"])
def test_pip_installs_where_uv_does_not(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    done: list[str] = []

    def run(command: Sequence[str], **_: object) -> "subprocess.CompletedProcess[str]":
        name = "uv" if command[0].endswith("/uv") else f"pip {command[4]}"
        name += " of uv" * ("--target" in command)
        done.append(name)
        return subprocess.CompletedProcess(command, int(name == fails), stdout="", stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    assert install_locked.main("requirements/base.txt") == 0
    assert (
        done
        == {
            "neither": ["pip config", "pip install of uv", "uv"],
            "uv": ["pip config", "pip install of uv", "uv", "pip install"],
            "pip install of uv": ["pip config", "pip install of uv", "pip install"],
        }[fails]
    )
