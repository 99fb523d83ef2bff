"""What operators do to an install with Compose that nobody told them to: `up` twice, `down -v` in the middle, a disk that is full.

Each ends in a sentence, or in nothing at all; nothing is lost that was not asked to go; a second try succeeds.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from tests.deploy.conftest import authority, images
from tests.deploy.installation import NOT_YET, Installation
from tests.engines import require
from tests.waiting import eventually

__all__ = ["authority", "images"]

pytestmark = [pytest.mark.walk, pytest.mark.docker, pytest.mark.gvisor, pytest.mark.timeout(3600)]
DUMP = ("exec", "-T", "postgres", "sh", "-c", 'pg_dump -U "$POSTGRES_USER" "$POSTGRES_DB"')
UP = ("up", "--detach", "--wait", "--wait-timeout", "600")


@pytest.fixture
def installation(
    tmp_path_factory: pytest.TempPathFactory, images: Mapping[str, str], authority: trustme.CA
) -> Iterator[Installation]:
    require("docker")
    folder = tmp_path_factory.mktemp("hard")
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    installation = Installation(folder, images)
    try:
        yield installation
    finally:
        installation.down()


def agent(installation: Installation) -> str:
    """The id of the only agent, once it is online."""
    person = installation.signed_in()
    with closing(person.client):
        return str(person.online()["id"])


def containers(installation: Installation) -> set[str]:
    return set(installation.compose("ps", "--quiet").split())


def test_up_twice_and_all_of_it_removed_and_up_again(installation: Installation) -> None:
    installation.compose("create")
    installation.compose("start", "galley-setup", "postgres")
    installation.down()  # in the middle of the first start
    installation.compose(*UP)
    first, running = agent(installation), containers(installation)

    installation.compose(*UP)
    assert containers(installation) == running, "nothing that runs is made anew"
    assert agent(installation) == first

    # All data is gone, and the agent's own directory is on the host: it has a credential of a bus that is no more.
    installation.kill("galley-agent")
    installation.down()
    installation.compose(*UP)
    second = eventually(lambda: agent(installation), what="the agent has joined again", not_yet=NOT_YET)
    assert second != first
    assert "registered anew" in installation.compose("logs", "galley-agent", "--no-color")


def test_a_disk_that_is_full_ends_a_dump_with_a_sentence_and_the_next_is_whole(
    installation: Installation, tmp_path: Path
) -> None:
    installation.compose("up", "--detach", "--wait", "postgres")
    full = installation.run("compose", *DUMP, into=Path("/dev/full"))
    assert full.returncode != 0 and "write /dev/stdout: no space left on device" in full.stderr
    assert installation.run("compose", *DUMP, into=tmp_path / "whole.sql").returncode == 0
    assert "PostgreSQL database dump complete" in (tmp_path / "whole.sql").read_text()
