"""docs/compose.md names every key that the code knows."""

from pathlib import Path

import pytest

from seatrial.agent.recipes.compose.limits import BUILD_IGNORED, BUILD_REFUSED, KNOWN, NOT_READ
from seatrial.agent.recipes.galley import BuildKeys, HealthKeys, ResourceKeys, ServiceKeys

PAGE = (Path(__file__).resolve().parents[2] / "docs/compose.md").read_text()


@pytest.mark.parametrize("key", sorted({*KNOWN, *NOT_READ, *BUILD_REFUSED, *BUILD_IGNORED}))
def test_every_key_of_a_compose_file_is_documented(key: str) -> None:
    assert f"`{key}`" in PAGE, "run `make docs`"


@pytest.mark.parametrize("kind", [ServiceKeys, BuildKeys, HealthKeys, ResourceKeys])
def test_every_key_of_galley_yml_is_documented_and_says_what_it_is(kind: type[ServiceKeys]) -> None:
    assert kind.model_fields
    for name, field in kind.model_fields.items():
        assert field.description and f"| `{name}` | " in PAGE, f"{name}: describe it, then run `make docs`"
