"""Which services of a compose file never run twice, because they keep data."""

import pytest

from seatrial.agent.environments.launch import is_durable
from seatrial.agent.recipes import kinds
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.recipes.recipe import Recipe
from seatrial.wire.states import ServiceKind
from tests.recipes.files import Files


async def composed(services: str, volumes: str = "data: , other: ", **files: str) -> Recipe:
    return await read_recipe(
        Files(**{"compose.yaml": f"services:\n{services}\nvolumes: {{{volumes}}}\n", **files})
    )


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("bitnami/postgresql:16", "database"),
        ("mcr.microsoft.com/mssql/server:2022-latest", "database"),
        ("docker.elastic.co/elasticsearch/elasticsearch:8.1", "database"),
        ("localhost:5000/library/neo4j@sha256:0", "database"),
        ("minio/minio", "database"),
        ("cassandra:5", "database"),
        ("bitnami/mongodb", "database"),
        ("redis/redis-stack-server", "cache"),
        ("confluentinc/cp-zookeeper:7", "queue"),
        ("eclipse-mosquitto:2", "queue"),
        ("minio/mc", None),
        ("mongo-express", None),
        ("prometheuscommunity/postgres-exporter", None),
        ("confluentinc/cp-kafka-connect", None),
        ("ghcr.io/me/server", None),
    ],
)
def test_images_tell_kinds(image: str, kind: str | None) -> None:
    assert kinds.of_image(image) == kind


async def test_a_server_nobody_knows_keeps_the_data_on_its_volume() -> None:
    recipe = await composed(
        "  db: {image: acme/vault9, volumes: [data:/data]}\n  web: {image: x, ports: [80]}"
    )
    db = recipe.services["db"]
    assert is_durable(db)
    assert (db.kind, db.restart) == (ServiceKind.OTHER, "never")
    assert "compose.yaml: services.db: kept across pushes, as it writes to the volume data" in "".join(
        recipe.warnings
    )


async def test_a_program_that_visitors_see_keeps_its_data_too_and_its_host_name() -> None:
    recipe = await composed(
        "  wiki: {image: wordpress, ports: [80], volumes: [data:/data], depends_on: [db]}\n  db: {image: mysql}"
    )
    assert list(recipe.services) == ["wiki", "db"]
    wiki = recipe.services["wiki"]
    assert (wiki.kind, wiki.restart, is_durable(wiki)) == (ServiceKind.WEB, "unless-stopped", True)
    assert any("services.wiki: kept across pushes" in warning for warning in recipe.warnings)


async def test_a_server_whose_ports_no_visitor_has_business_at_is_no_web_service() -> None:
    recipe = await composed(
        "  mod: {image: acme/redismod9, ports: ['6379:6379']}\n  web: {image: x, ports: [80, 6379]}\n"
        "  odd: {image: acme/odd9, ports: [8123]}\n  said: {image: acme/said9, ports: [6379], x-galley-kind: web}"
    )
    kinds = {name: service.kind for name, service in recipe.services.items()}
    assert kinds == {
        "mod": ServiceKind.CACHE, "web": ServiceKind.WEB, "odd": ServiceKind.WEB, "said": ServiceKind.WEB,
    }  # fmt: skip
    assert (
        "compose.yaml: services.mod: kind cache inferred from its port; set x-galley-kind: to be sure"
        in recipe.warnings
    )


async def test_the_published_port_of_a_database_gives_its_kind_away() -> None:
    recipe = await composed("  db: {image: acme/pg9, ports: ['5432:5432'], volumes: [data:/data]}")
    assert (recipe.services["db"].kind, recipe.services["db"].port) == (ServiceKind.DATABASE, 5432)


@pytest.mark.parametrize(
    "keys",
    [
        "image: acme/x, volumes: ['data:/data:ro']",
        "image: acme/x, volumes: [/data]",
        "image: acme/x, volumes: [other:/data]",  # what a built service writes to is files, not a server's
        "image: acme/x, volumes: [data:/data], labels: {galley.kind: worker}",
        "image: nginx, volumes: [data:/data], ports: [80]",
        "image: acme/gate, volumes: [data:/data], ports: [80], depends_on: [app]",
        "build: ., volumes: [data:/data]",
    ],
)
async def test_what_keeps_no_data_moves_with_the_push(keys: str) -> None:
    app = "  app: {build: ., ports: [80], volumes: [other:/media]}"
    recipe = await composed(f"  one: {{{keys}}}\n{app}", Dockerfile="FROM python")
    assert not is_durable(recipe.services["one"])


async def test_a_script_that_runs_in_a_databases_image_is_not_taken_for_a_database() -> None:
    recipe = await composed(
        "  init: {image: mongo, command: mongosh --eval x, volumes: [data:/data]}\n"
        "  web: {image: x, ports: [80], depends_on: {init: {condition: service_completed_successfully}}}"
    )
    init = recipe.services["init"]
    assert (init.kind, init.restart, is_durable(init)) == (ServiceKind.WORKER, "never", False)


async def test_a_built_database_is_a_database() -> None:
    recipe = await composed(
        "  db: {build: ./db, volumes: [data:/data]}\n  web: {image: x, ports: [80]}",
        **{
            "db/Dockerfile": "FROM postgres:15 AS base\nFROM base\nCOPY init.sql /docker-entrypoint-initdb.d/\n"
        },
    )
    db = recipe.services["db"]
    assert (db.kind, db.port, db.restart) == (ServiceKind.DATABASE, 5432, "unless-stopped")


async def test_a_volume_without_a_name_is_the_containers_own_unless_it_keeps_data() -> None:
    recipe = await composed(
        "  web: {build: ., ports: [80], volumes: ['.:/app', /app/node_modules]}\n"
        "  db: {image: postgres, volumes: [/var/lib/postgresql/data]}",
        Dockerfile="FROM node",
    )
    assert [m.volume for m in recipe.services["web"].mounts] == [""]
    assert [bool(m.volume) for m in recipe.services["db"].mounts] == [True]


async def test_a_path_the_commit_lacks_is_one_volume_for_all() -> None:
    recipe = await composed(
        "  web: {build: ., volumes: ['./static:/srv/static']}\n"
        "  nginx: {image: nginx, ports: [80], volumes: ['./static:/usr/share/nginx/html']}",
        Dockerfile="FROM python",
    )
    web, nginx = (recipe.services[name].mounts[0] for name in ("web", "nginx"))
    assert web.volume == nginx.volume != ""
