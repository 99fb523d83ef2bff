"""Fetching with a credential that soon ends, from git's own server over HTTPS."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.checkouts.git import Git
from seatrial.agent.vocabulary.credentials import OpenedCredential
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.wire.deployments import Source
from tests.checkouts.site import Site
from tests.checkouts.test_cache import commit, git, repository
from tests.credentials import Given

__all__ = ["repository"]


@pytest.fixture
def site(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site", repository.parent)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(site.authority))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield site
    site.stop()


@pytest.fixture
def source(site: Site) -> Source:
    return Source(clone_url=f"{site.url}/repo", needs_credential=True)


@pytest.fixture
def head(repository: Path) -> str:
    return git(repository, "rev-parse", "HEAD")


def holding(directory: Path, secrets: list[str]) -> list[str]:
    """Files below `directory` that hold one of `secrets`."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert files, "nothing was written, so nothing was looked at"
    return [str(path) for path in files if any(secret.encode() in path.read_bytes() for secret in secrets)]


async def test_a_source_is_fetched_with_a_credential_that_shows_nowhere(
    site: Site, source: Source, head: str, tmp_path: Path
) -> None:
    given = Given(site.password)
    with capture_logs() as lines:
        tree = await Cache(tmp_path / "cache").fetch(source, "r1", head, given)
    assert await tree.read("README.md") == b"hello\n"
    assert given.asked == ["r1"] and "200 POST /repo/git-upload-pack" in site.asked
    assert site.seen == set(), "in a process list"
    assert holding(tmp_path / "cache", list(site.left)) == []
    assert not any(password in repr(lines) for password in site.left)


async def test_a_commit_that_is_here_needs_no_credential(
    site: Site, source: Source, head: str, tmp_path: Path
) -> None:
    given, cache = Given(site.password), Cache(tmp_path / "cache")
    await cache.fetch(source, "r1", head, given)
    before = list(site.asked)
    tree = await cache.fetch(source, "r1", head, given)
    assert given.asked == ["r1"] and site.asked == before
    assert await tree.read("README.md") == b"hello\n"


@pytest.mark.parametrize("requests", [0, 1])
async def test_one_that_ends_in_the_middle_is_replaced(
    site: Site, source: Source, head: str, tmp_path: Path, requests: int
) -> None:
    """After so many requests of a fetch, which has two."""
    passwords = iter([site.password(requests=requests), site.password()])
    given = Given(lambda: next(passwords))
    tree = await Cache(tmp_path / "cache").fetch(source, "r1", head, given)
    assert await tree.read("README.md") == b"hello\n"
    assert given.asked == ["r1", "r1"]
    let_in = [asked.split()[0] for asked in site.asked]
    assert let_in.count("200") == requests + 2


async def test_a_credential_that_has_expired_when_the_connection_breaks_is_replaced(
    site: Site, source: Source, head: str, tmp_path: Path
) -> None:
    """Not every server says what is wrong; the time says it too."""
    given = Given(site.password, valid_seconds=0)

    def breaks() -> None:
        if len(given.asked) == 1:
            raise ConnectionError("cut")

    site.looking = breaks
    site.server.handle_error = lambda *_: None  # type: ignore[method-assign]
    tree = await Cache(tmp_path / "cache").fetch(source, "r1", head, given)
    assert await tree.read("README.md") == b"hello\n"
    assert given.asked == ["r1", "r1"]


async def test_a_remote_that_refuses_every_credential_is_asked_twice(
    site: Site, source: Source, head: str, tmp_path: Path
) -> None:
    given = Given(lambda: site.password(requests=0))
    with pytest.raises(CheckoutError, match=rf"{head[:12]} from {source.clone_url}: .*Authentication failed"):
        await Cache(tmp_path / "cache").fetch(source, "r1", head, given)
    assert given.asked == ["r1", "r1"]


async def test_a_server_that_repeats_the_credential_does_not_leak_it(
    site: Site, source: Source, head: str, tmp_path: Path
) -> None:
    site.says = "you said {}"
    given = Given(lambda: site.password(requests=0), username="somebody")
    with pytest.raises(CheckoutError, match=r"you said Basic \[hidden\]"):
        await Cache(tmp_path / "cache").fetch(source, "r1", head, given)


async def test_what_fails_for_another_reason_costs_one_credential(
    site: Site, source: Source, tmp_path: Path
) -> None:
    given = Given(site.password)
    with pytest.raises(CheckoutError, match="bbbbbbbbbbbb"):
        await Cache(tmp_path / "cache", pauses=()).fetch(source, "r1", "b" * 40, given)
    assert given.asked == ["r1"]


async def test_a_commit_that_comes_later_than_its_event_is_fetched_when_it_is_there(
    site: Site, source: Source, repository: Path, tmp_path: Path
) -> None:
    git(repository, "checkout", "-q", "--detach")
    (repository / "more").write_text("1")
    late = commit(repository)
    git(repository, "update-ref", "refs/hidden/late", late)
    hidden = repository / ".git" / "objects" / late[:2] / late[2:]
    hidden.rename(tmp_path / "late")
    git(repository, "update-ref", "-d", "refs/hidden/late")
    git(repository, "checkout", "-q", "-f", "main")
    given = Given(site.password)

    async def arriving(repository_id: str) -> OpenedCredential:
        if len(given.asked) == 1:  # the second attempt begins
            (tmp_path / "late").rename(hidden)
        return await given(repository_id)

    cache = Cache(tmp_path / "cache", pauses=(0.01, 0.01))
    tree = await cache.fetch(source, "r1", late, arriving)
    assert await tree.read("more") == b"1" and len(given.asked) == 2


async def test_one_that_never_comes_is_given_up_and_holds_nobody_up(
    site: Site, source: Source, head: str, tmp_path: Path
) -> None:
    cache = Cache(tmp_path / "cache", pauses=(0.01, 600.0))
    waiting = asyncio.create_task(cache.fetch(source, "r1", "b" * 40, Given(site.password)))
    await cache.fetch(source, "r1", head, Given(site.password))
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    given, cache = Given(site.password), Cache(tmp_path / "cache", pauses=(0.01, 0.02))
    with pytest.raises(CheckoutError, match=r"bbbbbbbbbbbb.*announced it, and did not have it") as caught:
        await cache.fetch(source, "r1", "b" * 40, given)
    assert given.asked == ["r1"] * 3 and caught.value.reason == "checkout_failed"


async def test_another_host_that_git_is_redirected_to_gets_no_credential(
    site: Site, source: Source, head: str, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Site(tmp_path / "other", repository.parent)
    # Git trusts both, so that nothing but the askpass stands between.
    site.authority.write_bytes(site.authority.read_bytes() + other.authority.read_bytes())
    headers: list[str] = []
    other.lets_in = lambda header: headers.append(header) or False  # type: ignore[method-assign,func-returns-value,assignment]
    site.moved_to = other.url
    try:
        with pytest.raises(CheckoutError):
            await Cache(tmp_path / "cache").fetch(source, "r1", head, Given(site.password))
        assert headers and set(headers) == {""}, "it was reached, and told nothing"
    finally:
        other.stop()


async def test_without_anybody_to_ask_nothing_is_fetched(
    site: Site, source: Source, head: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckoutError, match="there is nobody to ask"):
        await Cache(tmp_path / "cache").fetch(source, "r1", head)
    assert site.asked == []


async def test_a_missing_credential_is_explained_with_the_fetch_it_was_for(
    source: Source, head: str, tmp_path: Path
) -> None:
    async def refuse(repository: str) -> OpenedCredential:
        raise CheckoutError("the forge is away")

    with pytest.raises(
        CheckoutError, match=rf"commit {head[:12]} from {source.clone_url}: the forge is away"
    ):
        await Cache(tmp_path / "cache").fetch(source, "r1", head, refuse)


async def test_fetches_of_one_repository_ask_one_after_the_other(
    site: Site, source: Source, head: str, repository: Path, tmp_path: Path
) -> None:
    (repository / "more").write_text("1")
    newer = commit(repository)
    given, cache = Given(site.password), Cache(tmp_path / "cache")
    await asyncio.gather(*(cache.fetch(source, "r1", one, given) for one in (head, newer, head)))
    assert len(given.asked) <= 2


def test_a_git_that_knows_a_secret_does_not_show_it() -> None:
    assert "hush" not in repr(Git(None, {"SEATRIAL_GIT_PASSWORD": "hush"}, hidden=["hush"]))
