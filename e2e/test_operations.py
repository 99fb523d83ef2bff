"""Every shell block of docs/operations.md works, in the order of the page."""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.platform import SEATRIAL, Platform, docker, eventually
from e2e.repositories import static
from tests.engines import require

pytestmark = pytest.mark.e2e
PAGE = Path(__file__).parents[1] / "docs" / "operations.md"


@pytest.fixture
def own(home: Path) -> Iterator[Platform]:
    """A platform for this test only, because its data directory is moved away."""
    require("docker")
    platform = Platform(home / "data")
    platform.up()
    yield platform
    platform.purge()
    shutil.rmtree(home / "data.old", ignore_errors=True)


def blocks() -> list[str]:
    """The shell blocks of the page, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def pasted(platform: Platform, script: str, at: Path) -> str:
    """The output of the script. The first block, which names the data directory, always runs before it."""
    environment = {**platform.environ, "PATH": f"{Path(SEATRIAL).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", f"{blocks()[0]}\n{script}"],
        cwd=at, env=environment, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def of(agent: str) -> set[str]:
    """The containers of its previews."""
    return set(
        docker("ps", "-aq", "--filter", f"label=galley.agent={agent}", "--filter", "label=galley.environment")
    )


def test_every_block_of_the_page_works_and_the_preview_survives_them(own: Platform, home: Path) -> None:
    url = own.json("preview", str(static(home / "buoy")), "--branch", "feature")["urls"]["web"]
    before = own.status()["agents"][0]["id"]
    assert len(blocks()) >= 10

    for script in blocks()[1:]:
        containers = of(before)
        said = pasted(own, script, home)
        if "uniq -c" in script:
            assert before in said, "the agent that owns the containers is listed"
        if "docker rm" in script:
            assert containers.isdisjoint(of(before)), "removed, and made again after `up`"
        if "seatrial up" in script:
            eventually(
                lambda: own.fetch(url).text == "version one", what=f"the preview answers after\n{script}"
            )

    assert stat.S_IMODE((home / "seatrial-backup.tar").stat().st_mode) == 0o600
    assert (home / "data.old").is_dir(), "the restored platform is another directory"
    assert own.status()["agents"][0]["id"] == before, "its agent is the same"
    assert [project["name"] for project in own.status()["projects"]] == ["buoy"]
