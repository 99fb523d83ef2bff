"""Every shape of the corpus is read, refused and told of as it says; and as Compose itself reads it."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from seatrial.agent.environments.interpolation import interpolated
from seatrial.agent.recipes.compose.asking import Answer, Compose
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.recipes.recipe import Recipe
from seatrial.agent.vocabulary.errors import RecipeError
from tests.recipes.corpus import Shape, as_written, shapes
from tests.recipes.corpus.oracle import unspoken
from tests.recipes.files import Files

# File, line, (column,) key, what is wrong and why, and what to do.
REFUSAL = re.compile(r"[\w./-]+:\d+(:\d+)?: ([\w$. -]+: )?.+[.?] ?.+[.?]")


@pytest.fixture(scope="module")
def compose() -> Compose:
    """What it was asked once as the oracle, it need not be asked again to read the same."""
    return Compose.installed()


async def oracle(compose: Compose, shape: Shape) -> Answer:
    """What Compose says about every file of the commit that it could read."""
    files = {path: text.encode() for path, text in Files(**shape.files).files.items() if is_composes(path)}
    return await compose.ask(files, shape.variables)


def is_composes(path: str) -> bool:
    return path.endswith((".yaml", ".yml", ".env"))


@pytest.mark.parametrize("shape", [shape for shape in shapes() if shape.reads], ids=str)
async def test_a_shape_that_is_read(compose: Compose, shape: Shape) -> None:
    answer = await oracle(compose, shape)
    recipe = await read_recipe(Files(**shape.files), shape.variables, compose=compose)
    said = [*recipe.warnings, *recipe.notes]
    assert as_written(recipe, shape.variables) == shape.reads
    assert said == list(shape.says)
    assert (answer.model is None) == ("all" in shape.unlike), answer.said
    found = differences(answer, interpolated(recipe, shape.variables), said)
    assert sorted(found) == sorted(shape.unlike.keys() - {"all"})


def differences(answer: Answer, recipe: Recipe, said: Sequence[str]) -> list[str]:
    """What we do not say although we read it in another way than Compose."""
    told = "\n".join(said)
    services: Mapping[str, Any] = json.loads(answer.model or b"{}").get("services", {})
    left_out = [name for name in services if name not in recipe.services]
    return [
        *(f"{name}.{key}" for name in services for key in keys_unlike(name, services[name], recipe, said)),
        *(name for name in left_out if f"services.{name}: left out" not in told),
        *(name for name in recipe.services if services and name not in services),
    ]


def keys_unlike(name: str, model: Mapping[str, Any], recipe: Recipe, said: Sequence[str]) -> list[str]:
    return unspoken(name, model, recipe.services[name], said) if name in recipe.services else []


@pytest.mark.parametrize("shape", [shape for shape in shapes() if shape.refuses], ids=str)
async def test_a_shape_that_is_refused(compose: Compose, shape: Shape) -> None:
    with pytest.raises(RecipeError) as refused:
        await read_recipe(Files(**shape.files), shape.variables, compose=compose)
    lines = str(refused.value).splitlines()
    assert lines == list(shape.refuses)
    assert all(REFUSAL.fullmatch(line) for line in lines)


def test_every_shape_says_what_becomes_of_it() -> None:
    names = [str(shape) for shape in shapes()]
    assert len(set(names)) == len(names) >= 60
    assert [str(shape) for shape in shapes() if bool(shape.reads) == bool(shape.refuses)] == []
