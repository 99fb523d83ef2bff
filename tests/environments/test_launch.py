"""A deployment worked out: what each container is given."""

from dataclasses import replace
from typing import Any

import pytest

from seatrial.agent.environments.containment import Containment
from seatrial.agent.environments.launch import Launch, Planned, launch
from seatrial.agent.environments.names import Names
from seatrial.agent.environments.removal import GRACE_SECONDS, grace_seconds
from seatrial.agent.recipes.recipe import Recipe, Service
from seatrial.agent.vocabulary.containers import Container, ContainerState, Copy, Mount, Resources, Text
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.errors import RecipeError
from seatrial.agent.vocabulary.labels import FINGERPRINT
from seatrial.agent.vocabulary.options import LONGEST_STOP_SECONDS, Options, Tmpfs
from seatrial.wire.states import Isolation, ServiceKind

WEB = Service("web", ServiceKind.WEB, image="x")
DB = Service("db", ServiceKind.DATABASE, image="postgres")


def launched(
    *services: Service,
    volumes: dict[str, list[str]] | None = None,
    requested: Isolation | None = None,
    files: Any = None,
) -> Launch:
    return launch(
        Names("agent", "01E", "pr-1-shop", "w"),
        "01D",
        Recipe("compose.yaml", {service.name: service for service in services}),
        {service.name: "image" for service in services},
        defaults=Resources(),
        walls=Containment(requested, requested or Isolation.CONTAINER, Egress.INTERNET),
        source_tree=None,
        image_volumes=volumes,
        files=files,
    )


def one(service: Service) -> Planned:
    return launched(service).services[0]


@pytest.mark.parametrize(
    "service",
    [
        replace(WEB, mounts=[Mount("data", "/srv/../dev")]),
        replace(WEB, copies=[Copy("conf", "/dev/x")]),
        replace(WEB, texts=[Text("/dev/x", "")]),
        replace(WEB, options=Options(tmpfs=[Tmpfs("//dev")])),
    ],
    ids=["a volume", "files of the commit", "a config", "memory"],
)
def test_nothing_is_mounted_over_folders_of_the_kernel(service: Service) -> None:
    with pytest.raises(RecipeError, match=r"compose\.yaml: services\.web: refused: \S+ is in /dev, which"):
        launched(service)


def test_nor_what_an_image_of_a_service_that_keeps_data_declares() -> None:
    with pytest.raises(RecipeError, match=r"services\.db: refused: /dev is in /dev"):
        launched(DB, volumes={"db": ["/dev"]})


def test_volumes_that_others_write_to_while_a_service_starts_are_marked() -> None:
    """Its own version before it does, too, unless there is only one of it."""
    web, reader = replace(WEB, mounts=[Mount("data", "/a")]), replace(WEB, name="r", mounts=[])
    db = replace(DB, mounts=[Mount("own", "/b"), Mount("data", "/c"), Mount("", "/d"), Mount("seen", "/e")])
    reader = replace(reader, mounts=[Mount("seen", "/f", read_only=True)])
    marked = {
        mount.path: mount.shared for one in launched(web, db, reader).services for mount in one.spec.mounts
    }
    assert marked == {"/a": True, "/b": False, "/c": True, "/d": False, "/e": False, "/f": True}


@pytest.mark.parametrize(
    ("mounts", "declared"), [([Mount("", "//a/b/../c/")], []), ([], ["/a/c"])], ids=["by recipe", "by image"]
)
def test_nothing_is_mounted_inside_a_volume_that_others_fill(
    mounts: list[Mount], declared: list[str]
) -> None:
    web, worker = (replace(WEB, name=name, mounts=[Mount("data", "/a")]) for name in ("web", "worker"))
    web = replace(web, mounts=[*web.mounts, *mounts])
    with pytest.raises(
        RecipeError, match=r"services\.web: refused: \S+ is inside the volume at /a, which another"
    ):
        launched(web, worker, volumes={"web": declared})
    own = replace(DB, mounts=[Mount("own", "/a"), *mounts, Mount("", "/ab")])
    assert launched(own, volumes={"db": declared}).services[0].spec.mounts


def test_what_a_recipe_does_not_say_changes_no_fingerprint() -> None:
    """A database of a release before the options is the same database."""
    known = "70fdb6d89bb90a7cb0ad6a43f9401922f7a9e25c4f49f8d5fe746951018c59ae"
    assert one(DB).spec.labels[FINGERPRINT] == known
    assert one(replace(DB, options=Options(tty=True))).spec.labels[FINGERPRINT] != known


GATE = replace(WEB, name="gate")
GUEST = replace(WEB, name="guest", network_of="gate")


def test_a_service_that_shares_a_network_joins_the_container_of_its_own_deployment() -> None:
    gate, guest, third = launched(replace(WEB, name="third", network_of="guest"), GUEST, GATE).services
    assert (gate.spec.network_of, guest.spec.network_of) == (None, gate.spec.name)
    assert third.spec.network_of == gate.spec.name, "it is the gate's network, whoever is asked for it"
    assert gate.spec.networks and guest.spec.networks == third.spec.networks == {}
    assert guest.spec.labels[FINGERPRINT] != fingerprint_alone(GUEST), "another network is another container"


def fingerprint_alone(service: Service) -> str:
    return one(replace(service, network_of=None)).spec.labels[FINGERPRINT]


@pytest.mark.parametrize(
    ("services", "requested", "why"),
    [
        ((GATE, GUEST), Isolation.GVISOR, "services in gVisor cannot share a network. Remove it, and reach gate by its name"),
        ((DB, replace(GUEST, network_of="db")), None, "a service that outlives pushes has a network of its own"),
        ((GATE, replace(DB, network_of="gate")), None, "a service that outlives pushes has a network of its own"),
    ],
    ids=["gVisor", "of one that stays", "for one that stays"],
)  # fmt: skip
def test_networks_that_cannot_be_shared_are_named(
    services: tuple[Service, ...], requested: Isolation | None, why: str
) -> None:
    with pytest.raises(RecipeError, match=rf"compose\.yaml: services\.\w+\.network_mode: {why}"):
        launched(*services, requested=requested)


class Packed:
    digest = "d"


def test_what_is_read_only_stays_writable_for_files_of_the_commit_and_that_is_said() -> None:
    read_only = replace(WEB, options=Options(read_only=True))
    assert one(read_only).spec.options.read_only
    whole = launched(read_only, files={"web": Packed()})
    assert not whole.services[0].spec.options.read_only
    assert "services.web: its file system stays writable" in whole.warnings[-1]


@pytest.mark.parametrize(
    ("asked", "given"), [(None, GRACE_SECONDS), (0, 0), (12, 12), (600, LONGEST_STOP_SECONDS)]
)
def test_a_container_has_the_time_to_end_that_it_asks_for_within_limits(
    asked: float | None, given: float
) -> None:
    container = Container("c", {}, ContainerState.RUNNING, None, {}, "x", stop_seconds=asked)
    assert grace_seconds(container) == given
