"""Makes the sample application's repository: `main`, and a branch with a change one can see."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from seatrial.cli.errors import CommandError
from seatrial.embedded.typed import script

BRANCH = "summer-sale"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# Fixed, so that the commits are always the same: a second demo finds everything as the first one left it.
AUTHOR = {"NAME": "Alice Seatrial", "EMAIL": "alice@example.test", "DATE": "2026-01-05T09:00:00+00:00"}
NEEDS_WHEELS = ("api", "worker")


def make_repository(path: Path) -> Path:
    """Make the repository at `path`, unless it exists."""
    if (path / ".git").exists():
        return path
    if not (EXAMPLES / "shop").is_dir():
        raise CommandError(
            "the sample application is not here.", fix="Run the demo from a checkout of seatrial"
        )
    making = path.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    shutil.copytree(EXAMPLES / "shop", making)
    _copy_wheels(making)
    _git(making, "init", "-q", "-b", "main")
    _commit(making, "Open the shop")
    _git(making, "checkout", "-q", "-b", BRANCH)
    shutil.copytree(EXAMPLES / "shop-summer-sale", making, dirs_exist_ok=True)
    _commit(making, "Start the summer sale")
    making.replace(path)
    return path


def _copy_wheels(tree: Path) -> None:
    """The database driver goes into the repository, so that building needs no network."""
    wheels = sorted((Path(sys.prefix) / "share" / "seatrial" / "wheels").glob("*.whl"))
    if not wheels:
        raise CommandError("the sample application's wheels are not here.", fix=f"Run: {script('setup')}")
    for service in NEEDS_WHEELS:
        target = tree / service / "wheels"
        target.mkdir(exist_ok=True)
        for wheel in wheels:
            shutil.copy(wheel, target)


def _commit(tree: Path, message: str) -> None:
    _git(tree, "add", "-A")
    _git(tree, "commit", "-q", "-m", message)


def _git(tree: Path, *arguments: str) -> None:
    people = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in AUTHOR.items()}
    isolated = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", "-C", str(tree), *arguments],
        env={**os.environ, **people, **isolated},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"the sample repository cannot be made: {done.stderr.strip()}")
