"""Dockerfiles written for the official images, built from their stand-ins and run."""

import io
import zipfile
from collections.abc import Callable

import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildah import BuildahBuilder
from tests.builds.conftest import AnyBuilder, Lines, both_in_campaigns, docker
from tests.builds.containers import MakeStandIn, answers, rare, run, running

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1_800)]


async def test_go_for_an_image_of_nothing_else(
    stand_in: MakeStandIn, builder: BuildahBuilder, request_for: Callable[..., BuildRequest], log: Lines
) -> None:
    await rare("golang:1.22")
    await stand_in("golang:1.22")
    files = {
        "go.mod": "module example.com/hello\n\ngo 1.19\n",
        "main.go": 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("afloat") }\n',
        "Dockerfile": "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY go.mod ./\nRUN go mod download\nCOPY . .\n"
        "RUN CGO_ENABLED=0 go build -o /hello .\nFROM scratch\nCOPY --from=build /hello /\n"
        'ENTRYPOINT ["/hello"]\n',
    }
    request = request_for("golang", files)
    await builder.build(request, log)
    assert await run(request.tag) == "afloat\n"


async def test_a_node_server_answers(
    stand_in: MakeStandIn, builder: BuildahBuilder, request_for: Callable[..., BuildRequest], log: Lines
) -> None:
    await rare("node:20")
    await stand_in("node:20")
    files = {
        "server.js": "require('http').createServer((q, r) => r.end('from ' + process.release.name)).listen(3000)\n",
        "package.json": '{"name": "x", "version": "1.0.0", "scripts": {"start": "node server.js"}}',
        "Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm --version && yarn --version\nUSER node\n"
        'CMD ["node", "server.js"]\n',
    }
    request = request_for("node", files)
    await builder.build(request, log)
    async with running(request.tag) as name:
        assert await answers(name, 3000) == "from node"


# How Dockerfiles install packages in one stage and take them into another. Each installs one of its own: all are built at once.
WAYS = {
    "prefix": ("RUN pip install --no-index --prefix=/install /w/by_prefix-*.whl\n", "COPY --from=prefix /install /usr/local\n"),
    "user": ("RUN pip install --no-index --user /w/by_user-*.whl\n", "COPY --from=user /root/.local /root/.local\n"),
    "venv": ("RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-index /w/by_venv-*.whl\n",
             "COPY --from=venv /opt/venv /opt/venv\n"),
    "folder": ("RUN pip install --no-index /w/by_folder-*.whl\n",
               "COPY --from=folder /usr/local/lib/python3.12/site-packages /usr/local/lib/python3.12/site-packages\n"),
}  # fmt: skip
RUN = 'CMD python -c "import by_prefix, by_user, by_folder" && PATH=/opt/venv/bin:$PATH python -c "import by_venv"\n'


async def test_python_packages_are_installed_in_one_stage_and_run_in_another(
    stand_in: MakeStandIn, builder: BuildahBuilder, request_for: Callable[..., BuildRequest], log: Lines
) -> None:
    await stand_in("python:3.12")
    stages = "".join(f"FROM base AS {way}\n{install}" for way, (install, _) in WAYS.items())
    taken = "".join(take for _, take in WAYS.values())
    recipe = f"FROM python:3.12 AS base\nCOPY *.whl /w/\n{stages}FROM python:3.12-slim\n{taken}{RUN}"
    files = {f"by_{way}-1-py3-none-any.whl": wheel(f"by_{way}") for way in WAYS}
    request = request_for("python-ways", {"Dockerfile": recipe, **files})
    await builder.build(request, log)
    assert (await run(request.tag)).split() == ["by_prefix", "by_user", "by_folder", "by_venv"]


def wheel(name: str) -> bytes:
    """A package of one module, which says its name, as pip takes it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(f"{name}.py", f"print('{name}')\n")
        file.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        file.writestr(
            f"{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{name}-1.dist-info/RECORD", "")
    return content.getvalue()


@both_in_campaigns
async def test_a_digest_is_built_on_the_stand_in_and_the_image_says_so(
    stand_in: MakeStandIn, builder: AnyBuilder, request_for: Callable[..., BuildRequest], log: Lines
) -> None:
    await stand_in("python:3.12-slim")
    name = f"python:3.12-slim@sha256:{'a' * 64}"
    request = request_for("digest", {"Dockerfile": f'FROM {name}\nRUN echo hi > /hi\nCMD ["cat", "/hi"]\n'})
    await builder.build(request, log)
    assert await run(request.tag) == "hi\n"
    told = await docker("image", "inspect", "-f", '{{index .Config.Labels "galley.stand-ins"}}', request.tag)
    assert told.startswith(f"{name} could not be pulled: a stand-in takes its place, with Python 3.")
    assert "its digest was ignored" in told


async def test_nginx_fills_in_its_templates(
    stand_in: MakeStandIn, builder: BuildahBuilder, request_for: Callable[..., BuildRequest], log: Lines
) -> None:
    await stand_in("nginx:1")
    template = 'server {\n  listen 80;\n  location / { return 200 "${WORD} $request_method"; }\n}\n'
    files = {
        "Dockerfile": "FROM nginx:1\nENV WORD=filled\nRUN id nginx\nCOPY x /etc/nginx/templates/default.conf.template\n",
        "x": template,
    }
    request = request_for("nginx", files)
    await builder.build(request, log)
    async with running(request.tag) as name:
        assert await answers(name, 80) == "filled GET"
