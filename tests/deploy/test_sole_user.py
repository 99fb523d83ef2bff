"""A volume has one user: what the database's and the bus's container begin with."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import eventually

SCRIPT = Path(__file__).parents[2] / "deploy/sole-user"


def command(folder: Path, *words: str) -> list[str]:
    return ["sh", str(SCRIPT), "galley-db", str(folder), *words]


@contextmanager
def working(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Somebody works in the folder."""
    process = subprocess.Popen(
        command(folder, "sh", "-c", "echo working; exec sleep 600"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "working\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_second_is_refused_with_the_volume_and_the_first_goes_on(tmp_path: Path) -> None:
    with working(tmp_path) as first:
        second = subprocess.run(
            command(tmp_path, "touch", str(tmp_path / "written")), capture_output=True, text=True, check=False
        )
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr.startswith("sole-user: the volume galley-db is in use: a second stack")
        assert list(tmp_path.iterdir()) == [] and first.poll() is None


def test_after_a_kill_the_next_has_it(tmp_path: Path) -> None:
    with working(tmp_path):
        pass

    def ended() -> bool:
        return (
            subprocess.run(command(tmp_path, "true"), stderr=subprocess.DEVNULL, check=False).returncode == 0
        )

    eventually(ended, what="the kernel lets go of the lock")


def test_its_command_is_run_as_it_is_given(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, "sh", "-c", 'echo "$0|$1"; exit 7', "a b", "*"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (7, "a b|*\n")
