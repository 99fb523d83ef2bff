"""A deployment worked out: what each container is given."""

from dataclasses import replace

import pytest

from seatrial.agent.environments.launch import Launch, Planned, launch
from seatrial.agent.environments.names import Names
from seatrial.agent.recipes.recipe import Recipe, Service
from seatrial.agent.vocabulary.containers import Copy, Mount, Resources, Text
from seatrial.agent.vocabulary.errors import RecipeError
from seatrial.agent.vocabulary.labels import FINGERPRINT
from seatrial.agent.vocabulary.options import Options, Tmpfs
from seatrial.wire.states import Isolation, ServiceKind

WEB = Service("web", ServiceKind.WEB, image="x")
DB = Service("db", ServiceKind.DATABASE, image="postgres")


def launched(
    *services: Service, volumes: dict[str, list[str]] | None = None, requested: Isolation | None = None
) -> Launch:
    return launch(
        Names("agent", "01E", "pr-1-shop", "w"),
        "01D",
        Recipe("compose.yaml", {service.name: service for service in services}),
        {service.name: "image" for service in services},
        defaults=Resources(),
        isolation=requested or Isolation.CONTAINER,
        requested=requested,
        source_tree=None,
        image_volumes=volumes,
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


def test_what_a_recipe_does_not_say_changes_no_fingerprint() -> None:
    """A database of a release before the options is the same database."""
    known = "70fdb6d89bb90a7cb0ad6a43f9401922f7a9e25c4f49f8d5fe746951018c59ae"
    assert one(DB).spec.labels[FINGERPRINT] == known
    assert one(replace(DB, options=Options(tty=True))).spec.labels[FINGERPRINT] != known
