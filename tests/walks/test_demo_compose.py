"""`make demo-compose`, as the README says it: interrupted in the middle, whole, once more, and removed with nothing left."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.composed import removing
from scripts.composed.place import Place, project
from tests.engines import require
from tests.waiting import eventually
from tests.walks.page import blocks

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.walk, pytest.mark.docker, pytest.mark.gvisor, pytest.mark.timeout(7200)]
PAGE = "docs/install/compose.md"
MADE = (["ps", "--all"], ["network", "ls"], ["volume", "ls"])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    require("docker")
    require("gvisor")
    require("buildah")
    place = Place(tmp_path / "sea-compose")
    yield place
    make("stop-compose", place)


def make(target: str, place: Place) -> subprocess.CompletedProcess[str]:
    """`make TARGET`, to its end."""
    assert [f"make {target}\n"] == [one.text for one in blocks(PAGE) if one.text == f"make {target}\n"]
    return subprocess.run(
        ["make", "-s", target], cwd=ROOT, env=environ(place), capture_output=True, text=True, check=False
    )


def environ(place: Place) -> dict[str, str]:
    return {
        **os.environ,
        "SEATRIAL_DATA_DIR": str(place.root).removesuffix("-compose"),
        "SEATRIAL_NO_INSTALL": "1",
    }


def test_the_demo_is_interrupted_and_then_whole_and_then_gone(place: Place) -> None:
    for moment in ("settings", "database", "code host"):
        said = interrupted(place, moment)
        assert "Interrupted. It goes on from here: make demo-compose" in said
        assert "Traceback" not in said

    first = make("demo-compose", place)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Visited through the ingress" in first.stdout and "✗ https://" not in first.stdout
    assert place.values["SITE_URL"] in first.stdout

    second = make("demo-compose", place)
    assert second.returncode == 0, second.stdout + second.stderr
    assert addresses(second.stdout) == addresses(first.stdout)

    [agent] = removing.agents(place)
    its = f"label=galley.agent={agent}"  # others may be at work on this engine
    assert running("ps", "--all", its)
    ours = f"label=com.docker.compose.project={project(place)}"
    assert running("ps", "--all", ours)
    gone = make("stop-compose", place)
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert not place.root.exists()
    for listing in MADE:
        assert running(*listing, ours) == []
        assert running(*listing, its) == [], "its previews are gone as well"


def interrupted(place: Place, moment: str) -> str:
    """What it says when somebody presses Ctrl-C after the line about `moment`."""
    # Whoever runs this walk in the background of a shell has it ignore Ctrl-C, and all that it starts.
    command = ["env", "--default-signal=INT", "make", "-s", "demo-compose"]
    output = place.root.with_suffix(".said")
    with output.open("w") as stream:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ(place), stdout=stream, stderr=stream, start_new_session=True
        )
        eventually(lambda: f"✓ {moment}" in output.read_text(), what=moment, seconds=3600)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(600)
    return output.read_text()


def addresses(said: str) -> set[str]:
    return {word for word in said.split() if word.startswith("https://") and "environments" not in word}


def running(*listing: str) -> list[str]:
    *command, label = listing
    shown = "{{.Name}}" if "volume" in command else "{{.ID}}"
    done = subprocess.run(
        ["docker", *command, "--filter", label, "--format", shown], capture_output=True, text=True, check=True
    )
    return done.stdout.split()
