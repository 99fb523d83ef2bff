"""Usual lines of compose files, and the recipe they become."""

import pytest

from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.recipes.recipe import Build, Recipe
from seatrial.agent.vocabulary.containers import Copy
from tests.recipes.files import Files


async def composed(text: str) -> Recipe:
    return await read_recipe(Files(**{"compose.yaml": text, "Dockerfile": "FROM x", "src/a": "x"}))


async def test_a_service_is_reached_by_every_name_the_file_gives_it() -> None:
    recipe = await composed("""
services:
  web: {image: x, links: ["db:database", "cache:db", cache]}
  db: {image: postgres, container_name: pg_db, networks: {back: {aliases: [sql, "no name"]}, front: }}
  cache: {image: redis, networks: [back]}
networks: {back: , front: }
""")
    names = {name: service.aliases for name, service in recipe.services.items()}
    assert names == {"web": (), "db": ("database", "pg_db", "sql"), "cache": ()}


@pytest.mark.parametrize("image", ["myapp", "myapp:latest"])
async def test_a_service_whose_image_a_sibling_builds_runs_that_build(image: str) -> None:
    recipe = await composed(f"""
services:
  web: {{build: {{context: ., args: {{A: 1}}}}, image: myapp, ports: [80]}}
  worker: {{image: {image}, command: work}}
  other: {{image: "myapp:2"}}
""")
    web, worker, other = recipe.services.values()
    assert web.build == worker.build == Build(args={"A": "1"})
    assert (worker.image, other.build, other.image) == (None, None, "myapp:2")


async def test_the_working_directory_is_the_repository() -> None:
    recipe = await composed("services: {web: {image: x, volumes: ['${PWD}:/app', '$PWD/src:/src']}}")
    assert recipe.services["web"].copies == (Copy(".", "/app"), Copy("src", "/src"))


async def test_the_hosts_clock_is_left_out() -> None:
    volumes = "['/etc/localtime:/etc/localtime:ro', '/etc/timezone:/etc/timezone:ro']"
    recipe = await composed(f"services: {{web: {{image: x, volumes: {volumes}}}}}")
    assert not recipe.services["web"].mounts and not recipe.services["web"].copies
    assert (
        "services.web.volumes.0: ignored: /etc/localtime is the host's; set TZ in environment"
        in recipe.warnings[0]
    )


@pytest.mark.parametrize("no", ["no", "off", "false", '"false"', "n"])
async def test_a_bare_no_asks_for_nothing(no: str) -> None:
    recipe = await composed(
        f"services: {{web: {{image: x, privileged: {no}, healthcheck: {{disable: {no}}}}}}}"
    )
    assert recipe.services["web"].image_check


async def test_a_healthchecks_timeout_is_that_of_one_attempt() -> None:
    recipe = await composed("services: {web: {image: x, healthcheck: {test: x, timeout: 45s, interval: 5s}}}")
    check = recipe.services["web"].health
    assert check and check.ask_seconds == 45


async def test_a_dependency_that_may_be_missing_may() -> None:
    text = "services: {web: {image: x, depends_on: {db: {condition: service_started, required: false}}}}"
    assert (await composed(text)).services["web"].depends_on == ()
