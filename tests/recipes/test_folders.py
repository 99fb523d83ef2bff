"""A recipe that is not at the repository's root: its paths begin in its folder, and may lead anywhere in the repository."""

import pytest

from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.vocabulary.errors import NoRecipe, RecipeError
from tests.recipes.files import Files

FROM = "FROM scratch\n"


async def test_paths_of_galley_yml_begin_in_its_folder() -> None:
    text = "version: 1\nservices:\n  web: {build: ., expose: 80}\n  api: {build: ../api, expose: 81}\n  all: {build: {path: ../.., dockerfile: services/shop/All}}\n"
    tree = Files(**{
        "services/shop/galley.yml": text, "services/shop/Dockerfile": FROM, "services/api/Dockerfile": FROM,
        "services/shop/All": FROM, "galley.yml": "nothing",
    })  # fmt: skip
    recipe = await read_recipe(tree, folder="services/shop")
    assert recipe.source == "services/shop/galley.yml"
    builds = {name: service.build for name, service in recipe.services.items()}
    paths = {name: (build.path, build.dockerfile_path) for name, build in builds.items() if build}
    assert paths == {
        "web": ("services/shop", "services/shop/Dockerfile"),
        "api": ("services/api", "services/api/Dockerfile"),
        "all": (".", "services/shop/All"),
    }


async def test_no_path_leads_out_of_the_repository() -> None:
    text = "version: 1\nservices:\n  web:\n    build: ../../..\n"
    tree = Files(**{"services/shop/galley.yml": text, "Dockerfile": FROM})
    with pytest.raises(RecipeError, match=r"services/shop/galley\.yml:4: .*\.\./\.\./\.\. is outside"):
        await read_recipe(tree, folder="services/shop")


async def test_a_compose_file_with_what_stands_beside_it() -> None:
    tree = Files(**{
        "shop/compose.yaml": "services:\n  web: {build: ./site, ports: ['80'], environment: {MAST: '${MAST}'}}\n",
        "shop/compose.override.yaml": "services:\n  web: {environment: {SAIL: '1'}}\n",
        "shop/.env": "MAST=tall\n", "shop/site/Dockerfile": FROM,
        "compose.yaml": "services:\n  other: {image: x}\n",
    })  # fmt: skip
    recipe = await read_recipe(tree, folder="shop")
    assert list(recipe.services) == ["web"]
    web = recipe.services["web"]
    assert web.build is not None and web.build.path == "shop/site"
    assert dict(web.environment) == {"MAST": "tall", "SAIL": "1"}


async def test_compose_file_of_the_variables_is_more_than_the_folder() -> None:
    tree = Files(
        **{"shop/compose.yaml": "services: {a: {image: x}}\n", "ci.yaml": "services: {b: {image: x}}\n"}
    )
    recipe = await read_recipe(tree, {"COMPOSE_FILE": "ci.yaml"}, folder="shop")
    assert list(recipe.services) == ["b"]


async def test_the_roots_compose_file_is_not_the_folders() -> None:
    tree = Files(
        **{"shop/Dockerfile": FROM, "compose.yaml": "services: {a: {image: x}}\n", ".env": "COMPOSE_FILE=x\n"}
    )
    assert (await read_recipe(tree, folder="shop")).source == "shop/Dockerfile"


async def test_what_is_detected_in_the_folder() -> None:
    recipe = await read_recipe(Files(**{"shop/index.html": "<p>", "go.mod": "module x\n"}), folder="shop")
    [web] = recipe.services.values()
    assert recipe.detected is not None and "static" in recipe.detected.title.lower()
    assert web.build is not None and web.build.path == "shop"


async def test_a_dockerfile_alone() -> None:
    recipe = await read_recipe(Files(**{"shop/Dockerfile": FROM, "Dockerfile": "nonsense"}), folder="shop")
    [web] = recipe.services.values()
    assert recipe.source == "shop/Dockerfile" and web.build is not None and web.build.path == "shop"


@pytest.mark.parametrize(
    ("files", "folder", "said"),
    [
        ({"shop/readme": "x"}, "shop", "no galley.yml, compose file or Dockerfile in shop"),
        (
            {"shop/readme": "x"},
            "store",
            "this commit has no folder store: correct the project's recipe folder",
        ),
        ({"shop/compose.yaml": "x"}, "", "set the project's recipe folder to shop"),
    ],
)
async def test_what_to_do_when_there_is_none(files: dict[str, str], folder: str, said: str) -> None:
    with pytest.raises(NoRecipe, match=said):
        await read_recipe(Files(**files), folder=folder)


async def test_a_link_is_not_followed() -> None:
    with pytest.raises(RecipeError, match=r"shop/galley\.yml:1: a symbolic link"):
        await read_recipe(Files(**{"shop/galley.yml": "-> ../galley.yml"}), folder="shop")
