"""A detected Dockerfile is built as any other, and what it makes answers without rights, on the port that it is told."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildah import BuildahBuilder
from seatrial.agent.recipes.recipe import Build
from tests.builds.conftest import Lines, docker
from tests.builds.containers import MakeStandIn, answers, rare, running
from tests.detection.examples import plan

GO = """package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "afloat") })
	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
"""
NODE = "require('http').createServer((_, answer) => answer.end('afloat')).listen(process.env.PORT)\n"
PACKAGE = '{"name": "shop", "version": "1.0.0", "scripts": {"start": "node server.js"}}'
LOCK = '{"name": "shop", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "shop", "version": "1.0.0"}}}'
# By the stand-ins for the images that are pulled elsewhere; whom it runs as.
APPLICATIONS = {
    "go": (
        ("golang:1.19", "alpine:3"),
        {"go.mod": "module example.org/shop\n\ngo 1.19\n", "main.go": GO},
        "app",
    ),
    "php": (("php:8.4-apache",), {"index.php": "<?php echo 'afloat';"}, "www-data"),
    "node": (
        ("node:24-slim",),
        {"package.json": PACKAGE, "package-lock.json": LOCK, "server.js": NODE},
        "node",
    ),
}

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1_800)]


async def test_pages_are_served(
    stand_in: MakeStandIn, builder: BuildahBuilder, request_for: Callable[..., BuildRequest], log: Lines
) -> None:
    await rare("nginx:stable")
    await stand_in("nginx:stable")
    files = {"public/index.html": "afloat"}
    request = replace(request_for("pages", files), build=Build(dockerfile_inline=plan(files).dockerfile))
    await builder.build(request, log)
    async with running(request.tag, "--env", "PORT=9090") as name:
        assert await answers(name, 9090) == "afloat"
        assert (await docker("exec", name, "id", "-un")).strip() == "nginx"


@pytest.mark.campaign
@pytest.mark.parametrize("language", list(APPLICATIONS))
async def test_an_application_is_built_and_answers(
    stand_in: MakeStandIn,
    builder: BuildahBuilder,
    request_for: Callable[..., BuildRequest],
    log: Lines,
    language: str,
) -> None:
    bases, files, user = APPLICATIONS[language]
    for base in bases:
        await stand_in(base)
    request = replace(request_for(language, files), build=Build(dockerfile_inline=plan(files).dockerfile))
    await builder.build(request, log)
    async with running(request.tag, "--env", "PORT=9090") as name:
        assert await answers(name, 9090) == "afloat"
        assert (await docker("exec", name, "id", "-un")).strip() == user
