"""`scripts/setup` installs the product as pip does, wherever the clone lies, and notices when it was moved."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
OURS = Path(sysconfig.get_path("purelib"))


def clone(path: Path, *folders: str) -> Path:
    """A clone at `path` whose lock files are empty: what is needed is borrowed from our environment."""
    for folder in folders or ("scripts", "requirements", "seatrial"):
        shutil.copytree(ROOT / folder, path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for lock in (path / "requirements").glob("*.txt"):
        lock.write_text("")
    shutil.copy(ROOT / "pyproject.toml", path)
    return path


def set_up(path: Path, borrowed: Path) -> "subprocess.CompletedProcess[str]":
    """Run it with setuptools from `borrowed`, and with nothing from the network."""
    borrowed.mkdir(exist_ok=True)
    for installed in [*OURS.glob("setuptools*"), *OURS.glob("_distutils_hack")]:
        if not (borrowed / installed.name).exists():
            (borrowed / installed.name).symlink_to(installed)
    env = {**os.environ, "PYTHONPATH": str(borrowed), "PIP_NO_INDEX": "1", "SEATRIAL_NO_INSTALL": "1"}
    return subprocess.run(["scripts/setup"], cwd=path, env=env, capture_output=True, text=True, check=False)


def run(path: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """One of the product's commands, from another folder, with our environment's packages."""
    env = {**os.environ, "PYTHONPATH": str(OURS)}
    program = path / ".venv" / "bin" / command
    return subprocess.run([program, "--help"], cwd="/", env=env, capture_output=True, text=True, check=False)


@pytest.mark.timeout(1_800)  # it installs twice, and this machine may have others to do
def test_commands_run_from_any_folder_and_a_move_is_noticed(tmp_path: Path) -> None:
    path = clone(tmp_path / "my clone")
    first = set_up(path, tmp_path / "borrowed")
    assert first.returncode == 0, first.stderr
    assert "Making .venv" in first.stdout
    for command in ("seatrial", "galley-agent", "galley-server"):
        done = run(path, command)
        assert done.returncode == 0, done.stderr
    assert set_up(path, tmp_path / "borrowed").stdout == ""

    moved = path.rename(tmp_path / ("x" * 130))  # longer than the first line of a script may be
    assert "Making .venv" in set_up(moved, tmp_path / "borrowed").stdout
    for command in ("seatrial", "galley-agent", "galley-server"):
        done = run(moved, command)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["it's", "$HOME", '"quoted"', "`id`", "back\\slash"])
def test_a_folder_that_pip_cannot_name_is_refused_before_anything_is_made(tmp_path: Path, name: str) -> None:
    path = clone(tmp_path / name, "scripts", "requirements")
    done = set_up(path, tmp_path / "borrowed")
    assert done.returncode == 1
    assert "without quotes, dollars and backslashes" in done.stderr and name in done.stderr
    assert not (path / ".venv").exists()
