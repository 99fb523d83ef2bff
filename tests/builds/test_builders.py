"""What a build does, with each of the builders, onto the real engine: the real buildah, and the real buildx with the engine's own
BuildKit."""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildah import BuildahBuilder, scope_folder
from seatrial.agent.builds.buildkit.builder import BuildKitBuilder
from seatrial.agent.builds.cell import Cell
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import BuildError, ImageUnavailable
from seatrial.agent.vocabulary.labels import UNFINISHED
from tests.builds.conftest import AnyBuilder, Lines, both, both_in_campaigns, built_with, docker, each
from tests.builds.test_cancelled import BUILDER
from tests.waiting import until

pytestmark = pytest.mark.docker

Make = Callable[..., BuildRequest]


@both
async def test_from_scratch_with_our_labels(
    builder: AnyBuilder, request_for: Make, busybox: bytes, log: Lines
) -> None:
    files = {
        "Dockerfile": 'FROM scratch\nLABEL galley.cache=true mine=yes\nCOPY --chmod=755 busybox /busybox\nEXPOSE 80\nCMD ["/busybox", "echo", "afloat"]\n',
        "busybox": busybox,
    }
    request = request_for("scratch", files)
    await builder.build(request, log)
    assert await docker("run", "--rm", "--network", "none", request.tag) == "afloat\n"
    labels = await docker("image", "inspect", "-f", "{{json .Config.Labels}}", request.tag)
    assert '"galley.deployment":"scratch"' in labels
    assert '"mine":"yes"' in labels
    assert "io.buildah" not in labels
    assert "galley.cache" not in labels, "only we say what is ours"


@both_in_campaigns
async def test_an_image_with_nothing_in_it_is_one(builder: AnyBuilder, request_for: Make, log: Lines) -> None:
    request = request_for("empty", {"Dockerfile": 'FROM scratch\nCMD ["/nothing"]\n'})
    await builder.build(request, log)
    assert "/nothing" in await docker("image", "inspect", "-f", "{{json .Config.Cmd}}", request.tag)


@both
async def test_layers_are_kept_and_sent_once(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"FROM {base}\nRUN echo made > /made\nCOPY text /text\nCMD cat /made /text\n"
    await builder.build(request_for("warm", {"Dockerfile": recipe, "text": "one\n"}), log)
    first = len(log)
    request = request_for("warm", {"Dockerfile": recipe, "text": "two\n"})
    await builder.build(request, log)
    assert any("Using cache" in line for line in log[first:])
    assert await docker("run", "--rm", "--network", "none", request.tag) == "made\ntwo\n"
    out = "work" if isinstance(builder, BuildKitBuilder) else "scopes/*/out"
    assert not [left for folder in builder.data.glob(out) for left in folder.iterdir()], (
        "loaded layers take no space twice"
    )
    if isinstance(builder, BuildKitBuilder):
        assert not await unfinished(builder)


@each
async def test_what_a_dockerfile_says_means_the_same(
    builder: AnyBuilder, engine: Engine, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"""# syntax=registry.invalid/frontend:1
FROM {base}
VOLUME /data
RUN busybox mkdir -p /data && echo kept > /data/file
RUN <<EOF
echo "in a heredoc" > /heredoc
EOF
RUN --mount=type=secret,id=nobody,target=/run/nobody test ! -e /run/nobody && echo none > /secret
COPY --chmod=+x tool /tool
COPY . /all/
RUN busybox find /all -type f > /listing
HEALTHCHECK --interval=7s CMD test -e /data
ENV BOTH="of them"
CMD ["sh", "-c", "cat /data/file /heredoc /secret /listing; test -x /tool && echo $BOTH"]
"""
    files = {
        "Dockerfile": recipe,
        "tool": "x",
        "kept": "y",
        "left": "z",
        "Dockerfile.dockerignore": "left\nDocker*\n",
    }
    request = request_for("means", files)
    await builder.build(request, log)
    said = await docker("run", "--rm", "--network", "none", request.tag)
    assert sorted(said.splitlines()) == ["/all/kept", "/all/tool", "in a heredoc", "kept", "none", "of them"]
    image = await engine.images.get(request.tag)
    assert image is not None and image.check is not None
    assert (image.volumes, image.check.interval_seconds) == (["/data"], 7)
    began = [match[1] for line in log if (match := re.match(r"(?:STEP |\[)\S+[:\]] (RUN|COPY) ", line))]
    assert began == ["RUN", "RUN", "RUN", "COPY", "COPY", "RUN"], "in order"


@both
async def test_projects_share_neither_layers_nor_caches_of_steps(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    new = secrets.token_hex(8)  # the engine's BuildKit remembers for longer than a test
    recipe = (
        f"FROM {base}\nRUN cat /proc/sys/kernel/random/uuid > /id; echo {new}\n"
        f"RUN --mount=type=cache,id={new},target=/cache cat /id >> /cache/ids; cat /cache/ids > /seen\nCMD cat /id /seen\n"
    )
    first, again, other = [
        await built(builder, request_for(f"apart-{n}", {"Dockerfile": recipe}, scope=scope), log)
        for n, scope in enumerate(("one", "one", "two"))
    ]
    assert first == again, "the project's own are used again"
    assert len(set(other.split())) == 1 and other not in first


async def built(builder: AnyBuilder, request: BuildRequest, log: Lines) -> str:
    """What the image says."""
    await builder.build(request, log)
    return await docker("run", "--rm", "--network", "none", request.tag)


async def unfinished(builder: BuildKitBuilder) -> str:
    return await docker("images", "-q", "--filter", f"label={UNFINISHED}={builder.mark}")


@both
async def test_the_engine_lost_its_layers(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    request = request_for("lost", {"Dockerfile": f"FROM {base}\nRUN echo lost > /made\nCMD cat /made\n"})
    await builder.build(request, log)
    await docker("rmi", "-f", request.tag)
    await builder.build(request, log)
    assert await docker("run", "--rm", "--network", "none", request.tag) == "lost\n"


@both_in_campaigns
async def test_stages_targets_arguments_and_ignored_files(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"""ARG FROM_HERE={base}
FROM $FROM_HERE AS made
ARG WORD=none
SHELL ["/bin/sh", "-e", "-c"]
RUN echo $WORD > /word
COPY . /all
RUN ls /all > /listing
FROM $FROM_HERE AS wanted
COPY --from=made /word /listing /
CMD cat /word /listing
FROM scratch AS unwanted
COPY nothing /
"""
    files = {
        "app/docker/Dockerfile": recipe,
        "app/.dockerignore": "secret\ndocker\n",
        "app/secret": "x",
        "app/seen": "y",
    }
    request = request_for(
        "stages", files, path="app", dockerfile="docker/Dockerfile", target="wanted", args={"WORD": "given"}
    )
    await builder.build(request, log)
    assert await docker("run", "--rm", "--network", "none", request.tag) == "given\nseen\n"


@both
async def test_a_failing_step_is_named(builder: AnyBuilder, request_for: Make, base: str, log: Lines) -> None:
    request = request_for("broken", {"Dockerfile": f"FROM {base}\nRUN echo about to fail; exit 7\n"})
    with pytest.raises(BuildError) as caught:
        await builder.build(request, log)
    assert "`RUN echo about to fail; exit 7` failed: exit status 7" in str(caught.value)
    assert "about to fail" in caught.value.log_tail
    assert request.tag not in await docker("images", "--format", "{{.Repository}}:{{.Tag}}")


@pytest.fixture
async def listeners() -> AsyncIterator[tuple[int, int]]:
    """Two servers of this host: (port on loopback, port on every address)."""

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"REACHED\n")
        writer.close()

    inner = await asyncio.start_server(greet, "127.0.0.1", 0)
    outer = await asyncio.start_server(greet, "0.0.0.0", 0)
    yield inner.sockets[0].getsockname()[1], outer.sockets[0].getsockname()[1]
    inner.close()
    outer.close()


def host_addresses() -> list[str]:
    own_addresses = [
        a.address
        for addresses in psutil.net_if_addrs().values()
        for a in addresses
        if a.family.name == "AF_INET"
    ]
    return [address for address in own_addresses if not address.startswith("127.")]


@each
async def test_a_step_reaches_neither_the_host_nor_its_processes(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines, listeners: tuple[int, int]
) -> None:
    inner, outer = listeners
    tries = [
        f"127.0.0.1 {inner}",
        f"10.0.2.2 {inner}",
        *(f"{address} {outer}" for address in host_addresses()),
    ]
    calls = "; ".join(f"timeout 2 nc {target} </dev/null || echo closed" for target in tries)
    commands = "for each in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $each; echo; done"
    recipe = f"FROM {base}\nRUN {calls}\nRUN {commands}; id; cat /proc/self/status\n"
    of_the_host = await asyncio.create_subprocess_exec("sleep", "4321.5")
    try:
        await builder.build(request_for("fenced", {"Dockerfile": recipe}, no_cache=True), log)
    finally:
        of_the_host.kill()
        await of_the_host.wait()
    assert "REACHED" not in log.text.replace(recipe, "")
    assert log.count("closed") == len(tries)
    assert any(line.startswith("/bin/sh -c for each") for line in log), "it sees its own processes"
    assert not any("4321.5" in line for line in log), "it sees those of the host"
    assert any(line.startswith("Seccomp:") and line.endswith("2") for line in log)


@both
async def test_the_context_is_read_only(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"FROM {base}\nRUN --mount=type=bind,target=/ctx,rw cat /ctx/text; touch /ctx/planted || echo refused\n"
    request = request_for("readonly", {"Dockerfile": recipe, "text": "seen\n"}, no_cache=True)
    await builder.build(request, log)
    assert "seen" in log
    assert "refused" in log or isinstance(builder, BuildKitBuilder), "BuildKit's steps write into a copy"
    assert not (request.context_root / "planted").exists()


@both
async def test_links_never_lead_out_of_the_repository(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    request = request_for("links", {"web/text": "x"}, path="web")
    (request.context_root / "web/Dockerfile").symlink_to("/etc/hostname")
    with pytest.raises(BuildError, match="leads out of the repository"):
        await builder.build(request, log)
    (request.context_root / "web/Dockerfile").unlink()
    (request.context_root / "web/Dockerfile").write_text(
        f"FROM {base}\nCOPY . /all\nRUN cat /all/link || echo nothing\n"
    )
    (request.context_root / "web/link").symlink_to("/etc/shadow")
    await builder.build(request, log)
    assert "root:" not in log.text


@both
async def test_cancelling_ends_every_process(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"FROM {base}\nRUN sleep 98765 & sleep 98764\n"
    task = asyncio.create_task(builder.build(request_for("cancelled", {"Dockerfile": recipe}), log))
    while not sleepers():
        await asyncio.sleep(0.05)
        assert not task.done(), log.text
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if isinstance(builder, BuildahBuilder):
        assert not sleepers()
    await until(lambda: not sleepers())  # BuildKit ends them a moment later
    await builder.build(request_for("after", {"Dockerfile": f"FROM {base}\nRUN echo fine\n"}), log)
    if isinstance(builder, BuildKitBuilder):
        assert not await unfinished(builder)
        return
    containers = Cell(builder.data, scope_folder("tests"), BUILDER).outside(
        "store/overlay-containers/containers.json"
    )
    assert json.loads(containers.read_text()) == [], "what it wrote takes no space"


def sleepers() -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if {"98765", "98764"} & set(p.info["cmdline"] or [])]


@both
async def test_a_build_may_not_take_for_ever(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    builder.timeout_seconds = 2
    with pytest.raises(BuildError, match="did not end within"):
        await builder.build(request_for("slow", {"Dockerfile": f"FROM {base}\nRUN sleep 98764\n"}), log)
    await until(lambda: not sleepers())


@both_in_campaigns
async def test_four_at_once(builder: AnyBuilder, request_for: Make, base: str, log: Lines) -> None:
    requests = [
        request_for(
            f"many{n}",
            {f"s{n}/Dockerfile": f"FROM {base}\nRUN echo {n} > /n\nCMD cat /n\n"},
            path=f"s{n}",
            scope=f"p{n % 2}",
        )
        for n in range(4)
    ]
    await asyncio.gather(*(builder.build(request, log) for request in requests))
    outputs = [await docker("run", "--rm", "--network", "none", request.tag) for request in requests]
    assert outputs == ["0\n", "1\n", "2\n", "3\n"]


@both_in_campaigns
async def test_output_without_end_is_cut(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"FROM {base}\nRUN busybox yes 0123456789012345678901234567890123456789 | busybox head -c 40000000; echo the end\n"
    await builder.build(request_for("loud", {"Dockerfile": recipe}), log)
    assert sum(map(len, log)) < 30_000_000
    assert "bytes of output left out" in log.text or "[output clipped" in log.text, "BuildKit cuts by itself"


@both_in_campaigns
async def test_a_base_nobody_has(builder: AnyBuilder, request_for: Make, log: Lines) -> None:
    with pytest.raises(ImageUnavailable, match=r"nobody/has-this:1.*registry\.invalid"):
        await builder.build(
            request_for("nobase", {"Dockerfile": "FROM registry.invalid/nobody/has-this:1\n"}), log
        )


@pytest.mark.parametrize("kind", ["buildah", "buildkit"])
async def test_steps_trust_the_organisations_authority_and_images_do_not_know(
    engine: Engine, cache: Path, request_for: Make, base: str, log: Lines, tmp_path: Path, kind: str
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("-----BEGIN OURS-----\n")
    builder = built_with(kind, engine, cache, certificates=bundle)
    request = request_for(
        "trust",
        {"Dockerfile": f"FROM {base}\nRUN cat $PIP_CERT $SSL_CERT_FILE; touch /made\nCMD env; ls /dev\n"},
        no_cache=True,
    )
    await builder.build(request, log)
    assert log.count("-----BEGIN OURS-----") == 2
    ran = await docker("run", "--rm", "--network", "none", request.tag)
    assert "CERT" not in ran
    assert "ca-certificates" not in ran
    bundle.unlink()
    with pytest.raises(BuildError, match="GALLEY_BUILD_CA_FILE: there is no file"):
        await builder.build(request, log)
