"""The tags of a commit's history, as the source has them now."""

import asyncio
from pathlib import Path

import pytest

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.sandboxes.broker import Broker
from seatrial.agent.sandboxes.questions import Unanswerable
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.wire.deployments import Source
from seatrial.wire.evaluations import ForgeFacts
from tests.checkouts.site import Site
from tests.checkouts.test_cache import commit, git, repository
from tests.checkouts.test_credentials import site, source
from tests.credentials import Given

__all__ = ["repository", "site", "source"]


@pytest.fixture
def tagged(repository: Path) -> str:
    """The newest commit of a history with tags, beside a branch with another."""
    git(repository, "tag", "v1.0")
    git(repository, "tag", "also-v1")
    commit(repository, "Change 2")
    git(repository, "-c", "user.name=A", "-c", "user.email=a@x", "tag", "-a", "v1.1", "-m", "Sails")
    newest = commit(repository, "Change 3")
    git(repository, "tag", "of-a-file", git(repository, "rev-parse", "HEAD:README.md"))
    commit(repository, "Change 4")
    git(repository, "tag", "v2.0")
    return newest


async def asked(
    cache: Cache, source: Source, head: str, given: Given | None = None
) -> list[tuple[str, bool]]:
    tree = await cache.fetch(source, "r1", head, given)
    value, _ = await Broker(tree, ForgeFacts()).answer(["get_tags", ["100"]])
    assert all(one["date"][:2] == "20" and len(one["commit"]) == 40 for one in value)
    return sorted((one["name"], one["annotated"]) for one in value)


OF_HISTORY = [("also-v1", False), ("v1.0", False), ("v1.1", True)]


async def test_they_are_those_of_the_history_and_no_others(
    repository: Path, tagged: str, tmp_path: Path
) -> None:
    cache, local = Cache(tmp_path / "cache"), Source(clone_url=str(repository))
    assert await asked(cache, local, tagged) == OF_HISTORY
    await cache.fetch(
        local, "r1", git(repository, "rev-parse", "HEAD")
    )  # what the cache has besides does not count
    assert await asked(cache, local, tagged) == OF_HISTORY
    git(repository, "tag", "-d", "also-v1")
    git(repository, "tag", "newest", tagged)
    assert await asked(cache, local, tagged) == [("newest", False), *OF_HISTORY[1:]]


async def test_the_newest_commit_comes_first_and_a_limit_counts(
    repository: Path, tagged: str, tmp_path: Path
) -> None:
    tree = await Cache(tmp_path / "cache").fetch(Source(clone_url=str(repository)), "r1", tagged)
    assert {one.name for one in (await tree.tags())[:2]} <= {"v1.1", "v1.0", "also-v1"}
    value, _ = await Broker(tree, ForgeFacts()).answer(["get_tags", ["1"]])
    assert len(value) == 1
    for limit in ("0", "1001", "many"):
        with pytest.raises(Unanswerable, match="a limit is a number"):
            await Broker(tree, ForgeFacts()).answer(["get_tags", [limit]])


async def test_a_source_that_asks_for_a_credential_is_given_one(
    site: Site, source: Source, tagged: str, tmp_path: Path
) -> None:
    given = Given(site.password)
    assert await asked(Cache(tmp_path / "cache"), source, tagged, given) == OF_HISTORY
    assert given.asked == ["r1", "r1"] and site.seen == set()


async def test_a_source_that_is_away_gives_no_answer(repository: Path, tagged: str, tmp_path: Path) -> None:
    tree = await Cache(tmp_path / "cache").fetch(Source(clone_url=str(repository)), "r1", tagged)
    await asyncio.to_thread(repository.rename, tmp_path / "away")
    with pytest.raises(CheckoutError, match="cannot fetch the tags behind commit"):
        await tree.tags()


async def test_a_repository_without_tags_has_none(repository: Path, tmp_path: Path) -> None:
    local = Source(clone_url=str(repository))
    assert await asked(Cache(tmp_path / "cache"), local, git(repository, "rev-parse", "HEAD")) == []
