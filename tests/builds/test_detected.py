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
