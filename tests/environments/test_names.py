"""A service's name may be any that Compose takes: what is named after it on a host and on the bus is allowed there."""

import re

import pytest

from seatrial.agent.environments.names import Names
from seatrial.agent.recipes.compose.marks import known_names, suffix
from seatrial.agent.recipes.recipe import Recipe, Service
from seatrial.wire import subjects
from seatrial.wire.states import ServiceKind

IMAGE = re.compile(
    r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*:[0-9a-f]{16}"
)
CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")
NAMES = Names("agent", "01J00000000000000000ABCDEF", "pr-1-shop", "workspace")


@pytest.mark.parametrize("service", ["web", "shop.test", "webApp", "my__app", "a-.b", "UPPER_"])
def test_a_service_is_named_as_the_engine_and_the_bus_allow(service: str) -> None:
    assert IMAGE.fullmatch(NAMES.image(service, "0" * 64))
    assert CONTAINER.fullmatch(NAMES.container(service, "01J00000000000000000ABCDEF"))
    subject = subjects.logs("a", "e", "d", service)
    assert subject.count(".") == subjects.logs_of_deployment("e", "d").count("."), (
        "the filter has a word for it"
    )
    assert subjects.deployment_of(subject) == "d"


def test_a_services_variables_are_named_after_it() -> None:
    recipe = Recipe(
        "x",
        {"shop.test-1": Service("shop.test-1", ServiceKind.WEB), "db": Service("db", ServiceKind.DATABASE)},
    )
    assert suffix("shop.test-1") == "shop_test_1"
    assert {name for name in known_names(recipe) if "PREVIEW" in name} == {
        f"GALLEY_PREVIEW_{what}_shop_test_1" for what in ("URL", "HOST", "HOSTNAME")
    }
