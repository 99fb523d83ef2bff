"""The commands in .venv run wherever the clone lies."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def clone(path: Path) -> Path:
    """A clone at `path` whose environment borrows every package from ours; the folder of its commands."""
    shutil.copytree(ROOT / "scripts", path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", path)
    (path / "seatrial").symlink_to(ROOT / "seatrial")
    venv.create(path / ".venv", symlinks=True)
    binaries = path / ".venv" / "bin"
    library = next(path.glob(".venv/lib/*/site-packages"))
    (library / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for name in ("nats-server", "traefik"):
        (binaries / name).symlink_to(Path(sys.executable).parent / name)
    subprocess.run([binaries / "python", path / "scripts" / "launchers.py"], check=True)
    return binaries


@pytest.mark.parametrize(
    "name",
    ["my clone", "x" * 120, 'it\'s $HOME "quoted" `id` 100%'],
    ids=["a space", "a long path", "every quote"],
)
def test_commands_run_from_any_folder(tmp_path: Path, name: str) -> None:
    binaries = clone(tmp_path / name)
    done = subprocess.run([binaries / "seatrial", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Every pull request" in done.stdout
    done = subprocess.run([binaries / "galley-agent", "--help"], capture_output=True, text=True, check=False)
    assert "No such file" not in done.stderr and done.returncode != 127
