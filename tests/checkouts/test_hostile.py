"""Commits that git itself would not make: nothing is written outside, and nothing takes for ever."""

from pathlib import Path

import pytest

from seatrial.agent.checkouts.cache import Cache
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.vocabulary.errors import CheckoutError, NoRecipe
from seatrial.agent.vocabulary.tree import Tree
from seatrial.wire.deployments import Source
from tests.repositories import empty, git

Entry = tuple[str, bytes, str]  # mode, name, object


class Forge:
    """Writes any tree, well-formed or not."""

    def __init__(self, path: Path) -> None:
        self.path = empty(path)

    def git(self, *arguments: str, given: bytes = b"") -> str:
        return git(self.path, *arguments, given=given)

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=content)

    def tree(self, *entries: Entry) -> str:
        body = b"".join(
            f"{mode} ".encode() + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries
        )
        return self.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", given=body)

    async def commit(self, tree: str, cache: Path) -> Tree:
        head = self.git("commit-tree", tree, "-m", "evil")
        self.git("update-ref", "refs/heads/main", head)
        return await Cache(cache).fetch(Source(clone_url=str(self.path)), "r1", head)


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "evil")


@pytest.mark.parametrize(
    "shape",
    ["link then folder", "folder then link", "link with a slash", "dot dot", "dot dot slash", "git folder", "GIT folder",
     "absolute", "linked .gitmodules", "a long name"],
)  # fmt: skip
async def test_nothing_is_written_outside(forge: Forge, tmp_path: Path, shape: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link, file = forge.blob(str(outside).encode()), forge.blob(b"planted")
    below = forge.tree(("100644", b"x", file))
    entries: dict[str, list[Entry]] = {
        "link then folder": [("120000", b"a", link), ("40000", b"a", below)],
        "folder then link": [("40000", b"a", below), ("120000", b"a", link)],
        "link with a slash": [("120000", b"a", link), ("100644", b"a/x", file)],
        "dot dot": [("40000", b"..", below)],
        "dot dot slash": [("100644", b"../outside/x", file)],
        "git folder": [("40000", b".git", below)],
        "GIT folder": [("40000", b".GIT", below)],
        "absolute": [("100644", f"{outside}/x".encode(), file)],
        "linked .gitmodules": [("120000", b".gitmodules", link)],
        "a long name": [("100644", b"n" * 5000, file)],
    }
    tree = await forge.commit(forge.tree(*entries[shape]), tmp_path / "cache")
    destination = tmp_path / "tree"
    try:
        await tree.export(destination)
    except CheckoutError as error:
        assert "cannot write out commit" in str(error)
    assert not list(outside.iterdir())
    assert not (tmp_path / "x").exists()
    assert not (destination / ".git").exists()


async def test_a_tree_of_billions_of_files_is_not_listed(forge: Forge, tmp_path: Path) -> None:
    """Ten folders that are ten times the same folder each, and so on: a handful of objects, 10^9 files."""
    inner = forge.tree(*[("100644", b"f%d" % n, forge.blob(b"boom")) for n in range(10)])
    for _ in range(9):
        inner = forge.tree(*[("40000", b"d%d" % n, inner) for n in range(10)])
    tree = await forge.commit(inner, tmp_path / "cache")
    for asked in (tree.entries(), tree.export(tmp_path / "tree")):
        with pytest.raises(CheckoutError, match="MB of file names"):
            await asked  # all of them would take hours, hence end with the test's own limit


async def test_a_file_whose_object_is_missing_is_damage(forge: Forge, tmp_path: Path) -> None:
    lost = forge.blob(b"here for now")
    tree = await forge.commit(forge.tree(("100644", b"a", lost)), tmp_path / "cache")
    [stored] = (tmp_path / "cache").rglob(f"objects/{lost[:2]}/{lost[2:]}")
    stored.unlink()
    with pytest.raises(CheckoutError, match="its tree is damaged"):
        await tree.entries()


async def test_a_blob_that_cannot_be_read_is_not_a_file_that_is_missing(forge: Forge, tmp_path: Path) -> None:
    lost = forge.blob(b"here for now")
    tree = await forge.commit(forge.tree(("100644", b"a", lost)), tmp_path / "cache")
    await tree.entries()
    [stored] = (tmp_path / "cache").rglob(f"objects/{lost[:2]}/{lost[2:]}")
    stored.unlink()
    for asked in (tree.read("a"), tree.read_many(["a"])):
        with pytest.raises(CheckoutError, match="cannot read commit"):
            await asked


async def test_a_commit_of_many_gigabytes_is_not_written_out(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seatrial.agent.checkouts.commit.MOST_EXPORTED", 10_000_000)
    tree = await forge.commit(
        forge.tree(*[("100644", b"f%d" % n, forge.blob(b"\0" * 5_000_000)) for n in range(3)]),
        tmp_path / "cache",
    )
    with pytest.raises(CheckoutError, match="at most 0 GB can be built from"):
        await tree.export(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()


@pytest.mark.slow
async def test_ten_thousand_files(forge: Forge, tmp_path: Path) -> None:
    file = forge.blob(b"x")
    names = sorted(b"f%d" % n for n in range(10_000))
    tree = await forge.commit(forge.tree(*[("100644", name, file) for name in names]), tmp_path / "cache")
    assert len(await tree.entries()) == 10_000
    await tree.export(tmp_path / "tree")
    assert len(list((tmp_path / "tree").iterdir())) == 10_000


async def test_a_name_that_is_not_utf8_can_be_shown(forge: Forge, tmp_path: Path) -> None:
    blob = forge.blob(b"FROM scratch\n")
    module = forge.tree(("160000", b"m\xff", "1" * 40), ("100644", b"Dockerfile", blob))
    tree = await forge.commit(module, tmp_path / "one")
    assert (await read_recipe(tree)).warnings[0].encode().startswith("m\ufffd is a submodule".encode())
    folder = forge.tree(("40000", b"f\xe9", forge.tree(("100644", b"Dockerfile", blob))))
    tree = await forge.commit(folder, tmp_path / "two")
    with pytest.raises(NoRecipe) as caught:
        await read_recipe(tree)
    assert "There is f\ufffd/Dockerfile" in str(caught.value).encode().decode()
