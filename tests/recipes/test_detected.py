"""A commit without a recipe is read as one when its files say how to run it."""

import pytest

from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.vocabulary.errors import NoRecipe
from seatrial.wire.states import ServiceKind
from tests.detection.examples import EXAMPLES
from tests.recipes.files import Files


@pytest.mark.parametrize("example", EXAMPLES)
async def test_an_example_is_one_web_service_of_the_detected_dockerfile(example: str) -> None:
    recipe = await read_recipe(Files(**EXAMPLES[example]))
    [service] = recipe.services.values()
    assert (service.name, service.kind, recipe.warnings) == ("web", ServiceKind.WEB, ())
    assert recipe.detected is not None and service.build is not None
    assert service.build.dockerfile_inline == recipe.detected.dockerfile
    assert "PORT" not in service.environment, "its image says it"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("galley.yml", "version: 1\nservices: {web: {image: x}}"),
        ("compose.yaml", "services: {web: {image: x}}"),
        ("Dockerfile", "FROM x"),
    ],
)
async def test_nothing_is_detected_beside_a_recipe(name: str, text: str) -> None:
    recipe = await read_recipe(Files(**EXAMPLES["flask-pip"], **{name: text}))
    assert recipe.source == name and recipe.detected is None


async def test_a_recipe_in_a_subfolder_is_named_in_a_warning() -> None:
    recipe = await read_recipe(Files(**EXAMPLES["static"], **{"deploy/compose.yml": "services: {}"}))
    [warning] = recipe.warnings
    assert warning.startswith("a detected Dockerfile is used. There is deploy/compose.yml: ")


async def test_links_are_no_files() -> None:
    with pytest.raises(NoRecipe):
        await read_recipe(Files(**{"index.html": "-> /etc/passwd"}))


async def test_why_nothing_was_detected_is_told() -> None:
    with pytest.raises(NoRecipe) as caught:
        await read_recipe(Files(**{"requirements.txt": "numpy", "package.json": '{"name": "x"}'}))
    assert "requirements.txt is there, but names no web framework" in str(caught.value)
    assert "package.json is there, but has no script start" in str(caught.value)
    with pytest.raises(NoRecipe, match=r"looked for go\.mod, pom\.xml, .*index\.html\). Add one of them$"):
        await read_recipe(Files(README="x"))
