"""Images of one project on their way to the engine, side by side, while it loses layers."""

import asyncio
import json
import tarfile
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from seatrial.agent.builds.archive import BuiltImage, Layer, opened_layout
from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.bases import Base
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.builds.cell import Cell
from seatrial.agent.builds.delivery import Delivery, common, held_layers
from seatrial.agent.builds.twins import made_of, twin
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import BuildError, EngineRefused
from seatrial.agent.vocabulary.labels import ENVIRONMENT, LAYERS, MADE_OF
from tests.builds.conftest import Lines, docker
from tests.builds.test_cancelled import BUILDER

SHARED = "sha256:" + "aa" * 32
OWN = {"one": "sha256:" + "01" * 32, "two": "sha256:" + "02" * 32}


class Store:
    """The engine's images in memory: takes an archive that leaves layers out only if it has them."""

    refused = 0

    def __init__(self) -> None:
        self.layers: dict[str, list[str]] = {}
        self.labels: dict[str, Mapping[str, str]] = {}
        self.sent: list[set[str]] = []

    async def list(self, labels: Mapping[str, str]) -> list[Any]:
        return [SimpleNamespace(id=t) for t, own in self.labels.items() if labels.items() <= own.items()]

    async def get(self, reference: str) -> Any:
        layers = self.layers.get(reference)
        found = {
            "layers": tuple(layers or ()),
            "config": {"Labels": self.labels.get(reference)},
            "made_for": {},
        }
        return None if layers is None else SimpleNamespace(**found)

    async def load(self, archive: AsyncIterator[bytes]) -> None:
        await asyncio.sleep(0)
        content = b"".join([chunk async for chunk in archive])
        with tarfile.open(fileobj=BytesIO(content)) as tar:
            [manifest] = json.loads(cast(Any, tar.extractfile("manifest.json")).read())
            config = json.loads(cast(Any, tar.extractfile("config.json")).read())
            there = set(tar.getnames())
        wanted = [f"sha256:{name.removesuffix('.tar')}" for name in manifest["Layers"]]
        sent = {layer for layer in wanted if f"{layer[7:]}.tar" in there}
        self.sent.append(sent)
        there_already = max((common(wanted, layers) for layers in self.layers.values()), default=0)
        if set(wanted[there_already:]) - sent:
            self.refused += 1
            raise EngineRefused("open layer.tar: no such file or directory", status=500)
        [tag] = manifest["RepoTags"]
        self.layers[tag], self.labels[tag] = wanted, config["config"]["Labels"]

    def forget(self) -> None:
        self.layers.clear()
        self.labels.clear()


@pytest.fixture
def store() -> Store:
    return Store()


def deliver(
    store: Store, folder: Path, name: str, known: Collection[Sequence[str]] = (), layers: Sequence[str] = ()
) -> Any:
    """Has the image `name` written into a folder of its own, as buildah does, and loaded."""
    digests = layers or [SHARED, OWN[name]]

    async def write(held: Collection[str], *, again: bool) -> BuiltImage:
        out = folder / f"{name}-{again}"
        out.mkdir(exist_ok=True)
        for digest in digests:
            (out / digest[7:]).write_bytes(b"" if digest in held else b"layer")
        await asyncio.sleep(0)
        written = tuple(Layer(digest, out / digest[7:]) for digest in digests)
        return BuiltImage({"config": {}, "rootfs": {"diff_ids": digests}}, written)

    engine = cast(Engine, SimpleNamespace(images=store))
    return Delivery(engine, "scope", f"{name}:1", {}, name).run(write, known)


async def test_only_what_the_engine_lacks_is_sent(store: Store, tmp_path: Path) -> None:
    await deliver(store, tmp_path, "one")
    await deliver(store, tmp_path, "two")
    await deliver(store, tmp_path, "two")
    assert store.sent == [{SHARED, OWN["one"]}, {OWN["two"]}, set()]


async def test_a_preview_that_is_opened_again_is_sent_whole_again(store: Store, tmp_path: Path) -> None:
    for _ in range(3):
        await asyncio.gather(deliver(store, tmp_path, "one"), deliver(store, tmp_path, "two"))
        assert set(store.layers) == {"one:1", "two:1"}
        store.forget()
    assert await held_layers(cast(Engine, SimpleNamespace(images=store)), "scope") == []


async def test_layers_that_go_while_builds_run_side_by_side_hurt_none_of_them(
    store: Store, tmp_path: Path
) -> None:
    await asyncio.gather(
        *(deliver(store, tmp_path, name, known=[[SHARED]]) for name in OWN)
    )  # known, but gone by now
    assert {tag: set(layers) for tag, layers in store.layers.items()} == {
        f"{name}:1": {SHARED, own} for name, own in OWN.items()
    }
    assert store.sent[0] == {OWN["one"]}, "the first attempt believes what it was told"


async def test_the_same_content_upon_other_layers_is_sent_and_what_is_below_is_not(
    store: Store, tmp_path: Path
) -> None:
    lowest, changed, copied = (f"sha256:{byte * 32}" for byte in ("aa", "bb", "cc"))
    await deliver(store, tmp_path, "one", layers=[lowest, "sha256:" + "dd" * 32, copied])
    await deliver(store, tmp_path, "two", layers=[lowest, changed, copied])
    assert store.sent[1] == {changed, copied}
    assert not store.refused


async def test_what_the_engine_refuses_whole_is_refused(store: Store, tmp_path: Path) -> None:
    async def load(_archive: AsyncIterator[bytes]) -> None:
        raise EngineRefused("max depth exceeded", status=500)

    store.load = load  # type: ignore[method-assign]
    with pytest.raises(BuildError, match="one: the engine did not accept the image: max depth exceeded"):
        await deliver(store, tmp_path, "one")


async def test_images_of_other_projects_are_not_asked(store: Store, tmp_path: Path) -> None:
    await deliver(store, tmp_path, "one")
    store.labels["one:1"] = {LAYERS: "another"}
    await deliver(store, tmp_path, "two")
    assert store.sent[1] == {SHARED, OWN["two"]}


async def test_each_image_has_a_folder_of_its_own(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "scope", BUILDER)
    cell.outside("out").mkdir(parents=True)
    async with opened_layout(cell, [SHARED]) as one, opened_layout(cell, []) as two:
        assert [file.stat().st_size for file in (one / "blobs/sha256").iterdir()] == [0]
        assert not list((two / "blobs/sha256").iterdir())
    assert not list(cell.outside("out").iterdir())


async def test_what_is_made_of_the_same_is_sent_without_a_layer(store: Store, tmp_path: Path) -> None:
    engine, made = cast(Engine, SimpleNamespace(images=store)), {MADE_OF: "x"}
    await deliver(store, tmp_path, "one")
    store.labels["one:1"] = {LAYERS: "scope", **made, ENVIRONMENT: "A"}
    known = await twin(engine, "scope", made)
    delivery = Delivery(engine, "scope", "two:1", {**made, ENVIRONMENT: "B"}, "two")
    assert await delivery.copied(known)
    assert store.sent[1] == set() and store.layers["two:1"] == store.layers["one:1"]
    assert store.labels["two:1"] == {LAYERS: "scope", **made, ENVIRONMENT: "B"}
    assert await twin(engine, "scope", {}) is await twin(engine, "another", made) is None
    store.forget()
    assert not await delivery.copied(known), "it went meanwhile"


def test_what_is_made_of_other_bases_or_files_is_something_else(
    request_for: Callable[..., BuildRequest],
) -> None:
    request = replace(request_for("made", {"file": ""}), content="files")
    bases = [Base("a", "1", {}, ()), Base("b", "2", {}, ())]
    made = made_of(request, bases)
    assert made == made_of(replace(request, tag="another:1"), bases[::-1])
    assert made != made_of(request, [*bases[:1], Base("b", "3", {}, ())])
    assert made != made_of(replace(request, content="others"), bases)
    assert made_of(replace(request, content=""), bases) == {}


@pytest.mark.docker
async def test_services_of_a_preview_are_built_again_after_their_images_went(
    builder: BuildahBuilder, request_for: Callable[..., BuildRequest], base: str, log: Lines
) -> None:
    def recipe(n: int) -> str:
        return f"FROM {base}\nRUN echo all > /shared\nRUN echo {n} > /which\nCMD cat /shared /which\n"

    requests = [
        request_for(f"again{n}", {f"s{n}/Dockerfile": recipe(n)}, path=f"s{n}", scope="again")
        for n in range(3)
    ]
    requests = [replace(request, content=str(n)) for n, request in enumerate(requests)]
    another = replace(requests[2], tag=f"{requests[2].tag}-another", labels={ENVIRONMENT: "B"})
    for _ in range(2):
        log.clear()
        await asyncio.gather(*(builder.build(request, log) for request in requests))
        assert "nothing is built" not in str(log)
        await builder.build(another, log)
        assert log[-1].endswith("nothing is built")
        for tag in (requests[2].tag, another.tag):
            assert await docker("run", "--rm", "--network", "none", tag) == "all\n2\n"
        assert (
            await docker("inspect", "-f", f'{{{{index .Config.Labels "{ENVIRONMENT}"}}}}', another.tag)
        ) == "B\n"
        await docker("rmi", "-f", another.tag, *(request.tag for request in requests))
