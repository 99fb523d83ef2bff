"""Valid recipes, and what they are read as."""

from seatrial.agent.recipes.dockerfile import read_dockerfile, words
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.recipes.recipe import Build
from seatrial.agent.vocabulary.containers import Mount, Resources
from seatrial.wire.states import ServiceKind
from tests.recipes.files import Files

GALLEY = """
version: 1
services:
  web:
    kind: web
    build: {path: web, args: {MODE: 1}}
    expose: 8000
    env: {API: "https://${GALLEY_PREVIEW_HOST_api}", DEBUG: false, WORKERS: 2}
    depends_on: [api]
    health: {path: /up, status: 204, timeout: 1m30s}
    resources: {cpus: "0.5", memory: 256m}
  api:
    kind: api
    build:
      path: api
      start: python -m api
    image: ignored:1
    depends_on: [db]
  migrate:
    kind: worker
    build: {path: api, start: "python manage.py migrate && echo done"}
    restart: never
  db:
    image: postgres:15
    ephemeral: true
"""

COMPOSE = """
name: shop
x-common: &common
  restart: always
  environment: &env
    LOG: ${LOG:-info}
    PRICE: "$$5"
    TOKEN: ${TOKEN}
services:
  web:
    <<: *common
    build:
      context: ./web
      dockerfile: docker/Dockerfile
      target: prod
      args: [MODE=prod, FROM_ENV]
    container_name: shop_web
    ports: ["8080:80", "9000:9000/udp"]
    env_file: [web.env]
    depends_on:
      db: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
    volumes: ["./web:/app", "uploads:/uploads:ro", /cache]
    command: gunicorn -b 0.0.0.0:80 "my app"
    deploy: {resources: {limits: {cpus: "0.25", memory: 128M}}}
  worker_1:
    build: ./web
    command: ["celery", "worker"]
    user: 1000:1000
    working_dir: /srv
    networks: [front]
  migrate:
    build: ./web
    depends_on: [db]
  db:
    image: postgres:${PG:-15}-alpine
    environment: ["POSTGRES_PASSWORD=s3cret$$", EMPTY]
    healthcheck: {test: ["CMD-SHELL", "pg_isready -U $$POSTGRES_USER"], interval: 5s, retries: 20, start_period: 1m}
    volumes: [pg:/var/lib/postgresql/data]
  cache:
    image: docker.io/valkey/valkey:7
  debug:
    image: x
    profiles: [debug]
  exporter:
    image: prometheuscommunity/postgres-exporter
    ports: [9187]
    x-galley-kind: other
volumes: {uploads: , pg: {}}
networks: {front: {}}
"""


async def test_galley() -> None:
    recipe = await read_recipe(
        Files(
            **{
                "galley.yml": GALLEY,
                "web/Dockerfile": "FROM x",
                "api/Dockerfile": "FROM x",
                "compose.yml": "broken: [",
            }
        )
    )
    assert recipe.source == "galley.yml"
    web, api, migrate, db = (recipe.services[name] for name in ("web", "api", "migrate", "db"))
    assert web.build == Build("web", args={"MODE": "1"})
    assert web.environment == {
        "PORT": "8000",
        "API": "https://${GALLEY_PREVIEW_HOST_api}",
        "DEBUG": "false",
        "WORKERS": "2",
    }
    assert web.health and (web.health.http_path, web.health.status, web.health.timeout_seconds) == (
        "/up",
        204,
        90,
    )
    assert web.resources == Resources(0.5, 256)
    assert api.image is None
    assert api.entrypoint == ("python", "-m", "api")
    assert migrate.entrypoint == ("sh", "-c", "python manage.py migrate && echo done")
    assert migrate.restart == "never"
    assert (db.kind, db.port, db.ephemeral) == (ServiceKind.DATABASE, 5432, True)
    assert [service.name for service in recipe.in_order()][:3] == ["db", "api", "web"]
    assert any("kind database inferred from the image's name" in warning for warning in recipe.warnings)


async def test_compose() -> None:
    recipe = await read_recipe(
        Files(
            **{
                "docker-compose.yml": COMPOSE,
                "web/docker/Dockerfile": "FROM x AS prod",
                "web/Dockerfile": "FROM x\nEXPOSE 80",
                "web.env": "A=one\nLOG=debug\nDOLLAR='$x'\n",
                ".env": "FROM_ENV=yes\n",
            }
        )
    )
    web, worker, migrate, db = (recipe.services[name] for name in ("web", "worker_1", "migrate", "db"))
    assert web.build == Build(
        "web", "docker/Dockerfile", target="prod", args={"MODE": "prod", "FROM_ENV": "yes"}
    )
    assert (web.kind, web.port, web.restart) == (ServiceKind.WEB, 80, "unless-stopped")
    assert web.environment == {
        "A": "one",
        "LOG": "info",
        "DOLLAR": "$$x",
        "PRICE": "$$5",
        "TOKEN": "",
    }
    assert web.command == ("gunicorn", "-b", "0.0.0.0:80", "my app")
    assert web.depends_on == ("db", "migrate")
    assert web.wait_for_exit == ("migrate",)
    assert web.aliases == ("shop_web",)
    assert web.mounts[0] == Mount("uploads", "/uploads", read_only=True)
    assert web.mounts[1].path == "/cache"
    assert web.resources == Resources(0.25, 128)
    assert (worker.kind, worker.user, worker.working_dir) == (ServiceKind.WORKER, "1000:1000", "/srv")
    assert migrate.restart == "never"
    assert (db.kind, db.image) == (ServiceKind.DATABASE, "postgres:15-alpine")
    assert db.environment == {"POSTGRES_PASSWORD": "s3cret$$"}
    assert db.health and db.health.command == ("/bin/sh", "-c", "pg_isready -U $POSTGRES_USER")
    assert db.health.timeout_seconds == 160
    assert recipe.services["cache"].kind is ServiceKind.CACHE
    assert recipe.services["exporter"].kind is ServiceKind.OTHER
    assert "debug" not in recipe.services
    warned = "\n".join(recipe.warnings)
    for expected in (
        "web is copied to /app as it is in the commit",
        "networks",
        "its profile is off",
    ):
        assert expected in warned


async def test_project_variables_win_over_the_env_file_and_defaults() -> None:
    files = Files(**{"compose.yaml": "services: {web: {image: 'x:${TAG:-1}'}}", ".env": "TAG=2"})
    assert (await read_recipe(files)).services["web"].image == "x:2"
    assert (await read_recipe(files, {"TAG": "3"})).services["web"].image == "x:3"


async def test_a_plain_dockerfile_is_one_web_service() -> None:
    recipe = await read_recipe(Files(Dockerfile='FROM scratch\nCOPY a /a\nCMD ["/a"]\n'))
    assert list(recipe.services) == ["web"]
    assert recipe.services["web"].kind is ServiceKind.WEB
    assert recipe.source == "Dockerfile"


async def test_the_only_service_is_web_when_its_image_exposes_a_port() -> None:
    text = "services: {app: {build: .}}"
    web = await read_recipe(Files(**{"compose.yaml": text, "Dockerfile": "FROM x\nEXPOSE 3000/tcp\n"}))
    worker = await read_recipe(Files(**{"compose.yaml": text, "Dockerfile": "FROM x\n"}))
    assert (web.services["app"].kind, worker.services["app"].kind) == (ServiceKind.WEB, ServiceKind.WORKER)


def test_a_dockerfile_names_the_images_it_needs() -> None:
    parsed = read_dockerfile(
        "Dockerfile",
        b"""# syntax=docker/dockerfile:1
ARG VERSION=3.12
ARG BASE
FROM --platform=linux/amd64 python:${VERSION}-slim \\
   AS build
RUN --mount=type=bind,from=golang:1.22,target=/go true
FROM scratch AS empty
FROM ${BASE:-debian}:12
COPY --from=build /a /b
COPY --from=0 /a /c
COPY --from=nginx:1 /d /d
EXPOSE 80 443/tcp 53/udp
CMD ["a", "b"]
""",
    )
    assert parsed.external_images() == ["python:3.12-slim", "golang:1.22", "debian:12", "nginx:1"]
    assert parsed.external_images("build") == ["python:3.12-slim", "golang:1.22"]
    assert parsed.exposed_ports() == [80, 443]
    assert words(parsed.last("CMD")) == ["a", "b"]


async def test_commands_of_the_data() -> None:
    text = (
        "version: 1\nservices:\n  web: {image: x, expose: 80, migrate: ./up --all, seed: ./load && ./check}\n"
    )
    web = (await read_recipe(Files(**{"galley.yml": text}))).services["web"]
    assert (web.migrate, web.seed) == (("./up", "--all"), ("sh", "-c", "./load && ./check"))

    text = "services:\n  web: {image: x, ports: ['80:80'], x-galley-migrate: ./up --all, x-galley-seeds: [./load]}\n"
    recipe = await read_recipe(Files(**{"compose.yaml": text}))
    web = recipe.services["web"]
    assert (web.migrate, web.seed) == (("./up", "--all"), None)
    told = "compose.yaml:2: services.web.x-galley-seeds: ignored: unknown key. Did you mean x-galley-seed?"
    assert told in recipe.warnings
