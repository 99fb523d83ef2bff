"""Repositories of the kinds that people really have."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from e2e.platform import Platform, eventually, leftovers
from e2e.repositories import commit, git, static

pytestmark = pytest.mark.e2e


def preview(platform: Platform, path: Path) -> dict[str, Any]:
    environment = dict(platform.json("preview", str(path)))
    assert environment["deployment"]["state"] == "live", environment
    return environment


def test_folders_of_any_name_and_of_the_same_name(platform: Platform, home: Path) -> None:
    paths = [home / "my süße app & co", home / "a" / "app", home / "b" / "app"]
    for number, path in enumerate(paths):
        static(path, f"number {number}")
    with ThreadPoolExecutor() as pool:
        environments = list(pool.map(lambda path: preview(platform, path), paths))
    assert len({environment["name"] for environment in environments}) == len(paths)
    for number, environment in enumerate(environments):
        assert platform.fetch(environment["urls"]["web"]).text == f"number {number}"
    for path in paths:
        assert platform.run("close", str(path)).returncode == 0


DEVELOPERS_COMPOSE = """\
version: "3.8"
services:
  web:
    build: .
    restart: always
    links: [store]
    depends_on: {store: {condition: service_healthy}}
    ports: ["${HTTP_PORT:-8080}:8080"]
    env_file: web.env
    volumes: [".:/code:cached", "./site:/www", "./uploads:/uploads", /code/node_modules]
    security_opt: ["no-new-privileges:true"]
  store:
    build: {context: ., dockerfile: Store.Dockerfile}
    expose: ["9000"]
    volumes: ["kept:/kept"]
  tools: {image: nowhere.invalid/tools, profiles: [debug]}
volumes: {kept: }
"""
STORE = """\
FROM scratch
COPY busybox /bin/busybox
COPY site /site
HEALTHCHECK --interval=1s --timeout=2s CMD ["/bin/busybox", "wget", "-qO-", "http://127.0.0.1:9000/"]
CMD ["/bin/busybox", "httpd", "-f", "-p", "9000", "-h", "/site"]
"""


def test_a_developers_compose_file_comes_up_with_what_it_mounts(platform: Platform, home: Path) -> None:
    files = {"docker-compose.yml": DEVELOPERS_COMPOSE, "Store.Dockerfile": STORE, "web.env": "A=1\n"}
    path = static(home / "compose", "from the image", **files, **{"site/index.html": "mounted"})
    environment = preview(platform, path)
    assert set(environment["urls"]) == {"web"}
    assert platform.fetch(environment["urls"]["web"]).text == "mounted"
    warnings = "\n".join(environment["deployment"]["warnings"])
    assert "site is copied to /www as it is in the commit" in warnings
    assert "uploads is not in the commit" in warnings
    platform.run("close", str(path))
    eventually(lambda: not leftovers(platform.agent_id(), environment=environment["id"]), what="nothing left")


PORT_FROM_THE_ENVIRONMENT = """\
ARG WHO=nobody
FROM scratch AS base
ONBUILD LABEL by=$WHO
FROM base
COPY busybox /bin/busybox
COPY www /www
USER 1000:1000
VOLUME /tmp
CMD ["/bin/busybox", "sh", "-c", "exec /bin/busybox httpd -f -p ${PORT:?} -h /www"]
"""


def test_odd_files_a_submodule_and_the_port_from_the_environment(platform: Platform, home: Path) -> None:
    path = static(home / "odd")
    library = static(home / "library")
    git(path, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "www/lib")
    (path / "www" / "nowhere").symlink_to("/etc/nothing")
    Path(os.fsdecode(os.fsencode(path) + b"/www/caf\xe9\nline")).write_text("x")
    commit(path, {"Dockerfile": PORT_FROM_THE_ENVIRONMENT.replace("\n", "\r\n")})
    environment = preview(platform, path)
    assert platform.fetch(environment["urls"]["web"]).text == "version one"
    assert environment["deployment"]["warnings"] == [
        "www/lib is a submodule; it is not fetched, so the folder is empty"
    ]
    platform.run("close", str(path))
