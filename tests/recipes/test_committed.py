"""Facts that the commit decides: mounted files, submodules, a service's port, Dockerfiles in other folders."""

from collections.abc import Sequence

import pytest

from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.vocabulary.containers import Copy, HealthCheck
from seatrial.agent.vocabulary.errors import NoRecipe, RecipeError
from seatrial.agent.vocabulary.tree import Entry
from tests.recipes.files import Files

MOUNTS = """
services:
  web:
    image: nginx
    ports: [80]
    volumes:
      - ./html:/usr/share/nginx/html:ro
      - ./nginx.conf:/etc/nginx/conf.d/default.conf
      - ./data:/data
      - .:/code
      - /code/node_modules
"""


async def test_files_of_the_commit_are_copied_and_what_it_lacks_is_a_volume() -> None:
    recipe = await read_recipe(Files(**{"compose.yaml": MOUNTS, "html/index.html": "x", "nginx.conf": "x"}))
    web = recipe.services["web"]
    assert web.copies == (
        Copy("html", "/usr/share/nginx/html"),
        Copy("nginx.conf", "/etc/nginx/conf.d/default.conf"),
        Copy(".", "/code"),
    )
    assert [mount.path for mount in web.mounts] == ["/code/node_modules", "/data"]
    assert "services.web: data is not in the commit; /data begins as an empty volume" in "".join(
        recipe.warnings
    )


class WithSubmodule(Files):
    async def entries(self) -> Sequence[Entry]:
        return [*await super().entries(), Entry("lib", "160000", "0" * 40, None)]


async def test_a_submodule_is_reported() -> None:
    recipe = await read_recipe(WithSubmodule(Dockerfile="FROM scratch\n"))
    assert recipe.warnings == ("lib is a submodule; it is not fetched, so the folder is empty",)


@pytest.mark.parametrize(
    ("dockerfile", "port"),
    [
        ("FROM x\n", "8080"),
        ("FROM x\nEXPOSE 3000\n", "3000"),
        ("FROM x\nENV A=1 PORT=9000\nEXPOSE 3000\n", None),
        ("FROM x\nENV PORT 9000\n", None),
        ("FROM x\nENV REPORT=1\n", "8080"),
    ],
)
async def test_a_built_service_gets_its_port(dockerfile: str, port: str | None) -> None:
    recipe = await read_recipe(Files(Dockerfile=dockerfile))
    assert recipe.services["web"].environment.get("PORT") == port


async def test_expose_and_env_of_galley_yml_say_the_port_and_compose_is_left_as_it_is() -> None:
    text = "version: 1\nservices:\n  web: {kind: web, build: ., expose: 5000%s}\n"
    message = await read_recipe(Files(**{"galley.yml": text % "", "Dockerfile": "FROM x"}))
    own = await read_recipe(Files(**{"galley.yml": text % ", env: {PORT: 1}", "Dockerfile": "FROM x"}))
    compose = "services: {web: {build: ., ports: [80]}}"
    left = await read_recipe(Files(**{"compose.yaml": compose, "Dockerfile": "FROM x"}))
    assert [r.services["web"].environment.get("PORT") for r in (message, own, left)] == ["5000", "1", None]


async def test_expose_is_for_siblings_where_any_service_has_ports() -> None:
    both = "services: {web: {image: x, ports: [80]}, api: {image: y, expose: [90]}}"
    alone = "services: {web: {image: x}, api: {image: y, expose: [90]}}"
    kinds = [
        [service.kind for service in (await read_recipe(Files(**{"compose.yaml": text}))).services.values()]
        for text in (both, alone)
    ]
    assert kinds == [["web", "worker"], ["worker", "web"]]


async def test_an_images_own_check_can_be_switched_off() -> None:
    text = "services: {web: {image: x, healthcheck: {disable: true}}, api: {image: x}}"
    recipe = await read_recipe(Files(**{"compose.yaml": text}))
    assert [service.image_check for service in recipe.services.values()] == [False, True]


def test_a_check_inside_is_waited_for_as_the_engine_would() -> None:
    check = HealthCheck.inside(["true"], interval=10, timeout=5, retries=8, start_period=30)
    assert (check.timeout_seconds, check.interval_seconds, check.ask_seconds) == (150, 10, 5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("backend/Dockerfile", "There is backend/Dockerfile: add a galley.yml with a service that has build: {path: backend}"),
        ("dockerfile", "Rename dockerfile to Dockerfile"),
        ("Containerfile", "Rename Containerfile to Dockerfile"),
        ("docker/docker-compose.yml", "There is docker/docker-compose.yml: set the project's recipe folder to docker"),
        ("docker-compose.prod.yml", "There is docker-compose.prod.yml: commit a .env"),
    ],
)  # fmt: skip
async def test_what_lies_elsewhere_is_pointed_out(name: str, message: str) -> None:
    with pytest.raises(NoRecipe) as caught:
        await read_recipe(Files(**{name: "FROM x"}))
    assert message in str(caught.value)


async def test_a_missing_dockerfile_is_reported_at_the_line_of_its_build() -> None:
    text = "version: 1\nservices:\n  db:\n    image: postgres\n  backend:\n    build: ./backend\n"
    with pytest.raises(
        RecipeError, match=r"^galley.yml:6: services.backend.build: there is no file backend/Dockerfile"
    ):
        await read_recipe(Files(**{"galley.yml": text}))
    with pytest.raises(
        RecipeError, match=r"^compose.yaml:2: services.web.build: there is no file Dockerfile"
    ):
        await read_recipe(Files(**{"compose.yaml": "services:\n  web: {build: .}\n"}))
