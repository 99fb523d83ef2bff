"""The recipe that pages show to begin with."""

from seatrial.agent.recipes.reader import read_recipe
from seatrial.control.home.sample import SAMPLE_RECIPE
from tests.recipes.files import Files


async def test_it_is_one_that_agents_can_read() -> None:
    recipe = await read_recipe(Files(**{"galley.yml": SAMPLE_RECIPE, "Dockerfile": "FROM scratch"}))
    assert set(recipe.services) == {"web", "db"} and recipe.warnings == ()
