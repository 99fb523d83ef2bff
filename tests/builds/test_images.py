"""Where images come from: the host, a registry, or the distribution's packages. Decided without any of them."""

import itertools
from collections.abc import Mapping

import pytest

from seatrial.agent.builds.images import DockerImages, EngineImages
from seatrial.agent.builds.references import kept_as, named, registry_of, whole_name
from seatrial.agent.builds.registries.answers import RegistrySilent, SignInNeeded
from seatrial.agent.builds.standins import stand_in_for
from seatrial.agent.engine import Engine
from seatrial.agent.engine.images import Image
from seatrial.agent.vocabulary.errors import AgentError, ImageUnavailable
from seatrial.agent.vocabulary.image_names import in_place
from seatrial.agent.vocabulary.registry_logins import NO_LOGINS, ProjectLogins
from seatrial.wire.registries import RegistryLogin
from tests.builds.conftest import LABEL, Lines, docker

DIGEST = "sha256:" + "a" * 64


class NoStandIns:
    """`StandIns` without any stand-in; notes the images it was asked for."""

    def __init__(self, reference: str | None = None) -> None:
        self.reference = reference
        self.asked: list[tuple[str, str]] = []

    async def ensure(self, image: str, why: str, log: Lines) -> str | None:
        self.asked.append((image, why))
        return self.reference


class Shelf:
    """The images of an engine."""

    def __init__(self) -> None:
        self.labels: dict[str, Mapping[str, str]] = {}

    @property
    def images(self) -> "Shelf":
        return self

    async def get(self, reference: str) -> Image | None:
        found = self.labels.get(reference)
        return None if found is None else Image("sha256:1", (), {"Labels": found})


class Pulls:
    """Registries: they have what `trouble` does not say otherwise of."""

    def __init__(self, shelf: Shelf, trouble: AgentError | RegistrySilent | None = None) -> None:
        self.shelf, self.trouble = shelf, trouble
        self.labels: Mapping[str, str] = {}
        self.asked: list[str] = []

    async def pull(self, image: str, log: Lines, login: RegistryLogin | None = None) -> None:
        self.asked.append(f"{login.id} {image}" if login else image)
        if self.trouble:
            raise self.trouble
        self.shelf.labels[kept_as(image, login.id if login else "")] = self.labels


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def sources(shelf: Shelf, pulls: Pulls, stand_ins: NoStandIns | None = None) -> DockerImages:
    clock = itertools.count(step=25.0)
    return DockerImages(shelf, stand_ins or NoStandIns(), pulls, lambda: next(clock))  # type: ignore[arg-type]


async def test_a_limit_is_named_and_not_asked_again_for_a_minute(shelf: Shelf, log: Lines) -> None:
    pulls = Pulls(shelf, RegistrySilent("r limits how much (429)", "wait until it allows more"))
    images = sources(shelf, pulls)
    for asked in (1, 1, 1, 2):
        with pytest.raises(ImageUnavailable, match=r"429.*docker load.*wait until it allows more"):
            await images.ensure("r.example/a/b:1", log)
        assert len(pulls.asked) == asked
    assert log.text.count("429") == 2


async def test_an_image_that_does_not_exist_gets_no_stand_in(shelf: Shelf, log: Lines) -> None:
    stand_ins = NoStandIns("seatrial/stand-in-x")
    with pytest.raises(ImageUnavailable, match="no such"):
        await sources(shelf, Pulls(shelf, ImageUnavailable("no such")), stand_ins).ensure("python:3", log)
    assert stand_ins.asked == []


async def test_a_stand_in_replaces_an_image_whose_registry_does_not_answer(shelf: Shelf, log: Lines) -> None:
    stand_ins = NoStandIns("seatrial/stand-in-x")
    images = sources(shelf, Pulls(shelf, RegistrySilent("r does not answer")), stand_ins)
    assert await images.ensure("python", log) == "seatrial/stand-in-x"
    assert stand_ins.asked == [("python:latest", "r does not answer")]


async def test_what_is_on_the_host_is_not_pulled(shelf: Shelf, log: Lines) -> None:
    shelf.labels = {"python:3": {}, f"python@{DIGEST}": {}}
    pulls = Pulls(shelf)
    for image in ("python:3", f"python@{DIGEST}"):
        assert await sources(shelf, pulls).ensure(image, log) == image
    assert pulls.asked == []


async def test_what_was_pulled_by_its_digest_is_found_by_it(shelf: Shelf, log: Lines) -> None:
    pulls = Pulls(shelf)
    found = await sources(shelf, pulls).ensure(f"python:3@{DIGEST}", log)
    assert found == f"seatrial/by-digest:{DIGEST[7:]}" != f"python@{DIGEST}"
    for again in (f"python:3@{DIGEST}", f"docker.io/library/python@{DIGEST}"):
        assert await sources(shelf, pulls).ensure(again, log) == found
        assert await EngineImages(shelf).ensure(again, log) == found  # type: ignore[arg-type]
    assert len(pulls.asked) == 1


def login_of(identity: str, registry: str = "r.test", *, forks: bool = False) -> ProjectLogins:
    async def ask(host: str) -> RegistryLogin:
        return RegistryLogin(id=identity, registry=host, username="robot", password="hunter22")

    return ProjectLogins({registry: identity}, ask, forks=forks)


async def test_what_a_login_pulled_is_found_with_that_login_alone(shelf: Shelf, log: Lines) -> None:
    pulls = Pulls(shelf)
    images, one = sources(shelf, pulls), login_of("01ONE")
    for image in ("r.test/a:1", f"r.test/a:1@{DIGEST}"):
        found = await images.ensure(image, log, one)
        assert found == kept_as(image, "01ONE") == await images.ensure(image, log, one) != kept_as(image)
        other = await images.ensure(image, log, login_of("01TWO"))
        assert other not in {found, await images.ensure(image, log)}
        for name in (found, f"docker.io/{found}", f"index.docker.io/{found}", f"{found}@{DIGEST}"):
            for source in (images, EngineImages(shelf)):  # type: ignore[arg-type]
                with pytest.raises(ImageUnavailable, match="Write the image's own name"):
                    await source.ensure(name, log, one)
    assert [asked.partition(" ")[0] for asked in pulls.asked[:3]] == ["01ONE", "01TWO", "r.test/a:1"]
    assert "hunter22" not in log.text


async def test_what_everybody_may_have_is_not_pulled_again_with_a_login(shelf: Shelf, log: Lines) -> None:
    shelf.labels, pulls = {"postgres:17": {}}, Pulls(shelf)
    hub = login_of("01HUB", "docker.io")
    assert await sources(shelf, pulls).ensure("postgres:17", log, hub) == "postgres:17"
    assert await sources(shelf, pulls).ensure("redis:7", log, hub) == kept_as("redis:7", "01HUB")
    assert await sources(shelf, pulls).ensure("r.test/a:1", log, hub) == "r.test/a:1"
    assert pulls.asked == ["01HUB redis:7", "r.test/a:1"]


async def test_a_limit_without_a_login_is_none_with_one(shelf: Shelf, log: Lines) -> None:
    pulls = Pulls(shelf, RegistrySilent("r limits how much (429)", "wait", limits=True))
    images = sources(shelf, pulls)
    images.clock = lambda: 0.0
    for logins in (NO_LOGINS, login_of("01ONE"), NO_LOGINS):
        with pytest.raises(ImageUnavailable, match="429"):
            await images.ensure("r.test/a:1", log, logins)
    assert pulls.asked == ["r.test/a:1", "01ONE r.test/a:1"]


async def test_forks_are_told_which_logins_they_get(shelf: Shelf, log: Lines) -> None:
    pulls = Pulls(shelf, SignInNeeded("r.test/a:1 cannot be pulled"))
    for logins in (ProjectLogins(), ProjectLogins(forks=True)):
        with pytest.raises(ImageUnavailable) as refused:
            await sources(shelf, pulls).ensure("r.test/a:1", log, logins)
        assert ("logins that are set for forks" in str(refused.value)) == logins.forks


async def test_the_name_for_what_has_a_digest_is_never_pulled(shelf: Shelf, log: Lines) -> None:
    pulls = Pulls(shelf)
    for name in (f"seatrial/by-digest:{DIGEST[7:]}", f"docker.io/seatrial/by-digest:{DIGEST[7:]}"):
        with pytest.raises(ImageUnavailable, match="Write the image's own name"):
            await sources(shelf, pulls).ensure(name, log)
    assert pulls.asked == []


async def test_a_pulled_image_that_pretends_to_be_a_previews_is_refused(shelf: Shelf, log: Lines) -> None:
    pulls = Pulls(shelf)
    pulls.labels = {"galley.managed": "true"}
    with pytest.raises(ImageUnavailable, match="built for a preview"):
        await sources(shelf, pulls).ensure("a/b:1", log)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("python:3.12-slim", "python"),
        ("docker.io/library/python:3", "python-whole"),
        ("python:3.12-slim-bookworm", "python"),
        ("python@sha256:" + "a" * 64, "python-whole"),
        ("node:20-bookworm", "node-whole"),
        ("node:20-alpine", "node-alpine"),
        ("nginx:1-slim", "nginx"),
        ("postgres:15@sha256:" + "a" * 64, "postgres"),
        ("postgres:16-alpine", "postgres-alpine"),
        ("golang:1.22-alpine3.19", "golang-alpine"),
        ("php:8.3-apache", "php-apache"),
        ("php:8.3", "php"),
        ("php:8.3-fpm-alpine", None),
        ("ubuntu:24.04", "debian"),
        ("node:20-bookworm-slim", "node"),
        ("python:2.7", None),
        ("alpine:3", "alpine"),
        ("alpine/git:2", None),
        ("somebody/python:3", None),
        ("ghcr.io/library/python:3", None),
        ("postgres-exporter:1", None),
        ("mysql:8", "mariadb"),
    ],
)
def test_which_images_have_a_stand_in(image: str, name: str | None) -> None:
    stand_in = stand_in_for(image)
    assert (stand_in.name if stand_in else None) == name


def test_registries() -> None:
    assert whole_name("python:3") == whole_name("library/python:3") == "docker.io/library/python:3"
    assert whole_name("docker.io/python:3") == "docker.io/library/python:3"
    assert whole_name(f"a/b:1@{DIGEST}") == f"docker.io/a/b@{DIGEST}"
    assert whole_name("ghcr.io/a:1") == "ghcr.io/a:1"
    assert registry_of("python:3") == registry_of("a/b:1") == "registry-1.docker.io"
    assert registry_of("docker.io/a") == "registry-1.docker.io"
    assert registry_of("ghcr.io/a/b") == "ghcr.io"
    assert registry_of("localhost:5000/a") == "localhost:5000"


@pytest.mark.docker
async def test_what_no_image_can_be_called_is_not_there(engine: Engine) -> None:
    for name in ("[::1]:5000/a:1", "localhost.:5000/a:1", "A B"):
        assert await engine.images.get(name) is None


@pytest.mark.docker
async def test_images_of_previews_are_nobody_elses(engine: Engine, base: str, log: Lines) -> None:
    foreign = "galley/pr-1-secret-abc123/web:feed"
    await docker("build", "-q", "--label", "galley.managed=true", "--label", LABEL, "-t", foreign, "-", stdin=f"FROM {base}\nRUN echo x > /secret\n")  # fmt: skip
    identity = (await docker("image", "inspect", "-f", "{{.Id}}", foreign)).strip().removeprefix("sha256:")
    source = EngineImages(engine)
    for asked in (foreign, identity, f"sha256:{identity}", f"sha256:{identity[:8]}"):
        with pytest.raises(ImageUnavailable, match=r"built for a preview|image's id"):
            await source.ensure(asked, log)
    # Without a tag an engine would look for an id that begins like this.
    assert named(identity[:6]) == f"{identity[:6]}:latest"
    with pytest.raises(ImageUnavailable):
        await source.ensure(identity[:6], log)


def test_names_get_their_tag() -> None:
    assert named("python") == "python:latest"
    assert named("localhost:5000/a/b") == "localhost:5000/a/b:latest"
    for whole in ("python:3", "localhost:5000/a:1", "python@sha256:" + "a" * 64):
        assert named(whole) == whole


@pytest.mark.parametrize(
    "image",
    [
        "docker-archive:/etc/x",
        "oci:/etc",
        "../a",
        "A:1",
        "a b",
        "-v",
        "a:1\nFROM b",
        "${X}",
        "`id`",
        "http://x/y",
        "[::1]:5000/a:1",
        "localhost.:5000/a:1",
        "-a.example/b",
    ],
)
def test_names_that_no_image_can_have_are_refused(image: str) -> None:
    with pytest.raises(ImageUnavailable, match="is not an image's name"):
        named(image)


async def test_an_image_of_the_operators_is_taken_in_place_of_another() -> None:
    shelf, log = Shelf(), Lines()
    pulls = Pulls(shelf)
    pairs = f"python:3.12=registry.test/python:3.12, node=registry.test/node@{DIGEST}"
    images = DockerImages(shelf, NoStandIns(), pulls, in_place=in_place(pairs))  # type: ignore[arg-type]
    assert await images.ensure("docker.io/library/python:3.12", log) == "registry.test/python:3.12"
    assert "base docker.io/library/python:3.12 taken as registry.test/python:3.12" in log
    assert await images.ensure("node", log) == kept_as(f"registry.test/node@{DIGEST}")
    assert await images.ensure("python:3.12-slim", log) == "python:3.12-slim"
    assert pulls.asked == ["registry.test/python:3.12", f"registry.test/node@{DIGEST}", "python:3.12-slim"]


@pytest.mark.parametrize("pairs", ["python:3.12", "=x", "x=", "a b=c", "python=a,python=b"])
def test_pairs_that_say_nothing_are_refused(pairs: str) -> None:
    with pytest.raises(ValueError, match=r"is not image=image|for the same image"):
        in_place(pairs)
