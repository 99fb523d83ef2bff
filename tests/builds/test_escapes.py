"""Ways out of a build that were holes in buildah, or could be: a step must not reach anything outside."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.vocabulary.errors import BuildError
from tests.builds.conftest import LABEL, AnyBuilder, Lines, both, both_in_campaigns, docker, own_addresses
from tests.engines import missing

pytestmark = pytest.mark.docker

Make = Callable[..., BuildRequest]
MARK = "readable-by-everybody-on-this-host"
BEGAN = "the build began"


@pytest.fixture
def outside() -> Iterator[Path]:
    """A file that every user of the host may read."""
    file = Path("/var/tmp/seatrial-test-outside")
    file.write_text(MARK)
    file.chmod(0o644)
    yield file
    file.unlink()


MOUNTS = {
    "a link in an image (CVE-2024-1753)": "type=bind,from=lure,source=/lure/out,target=/host",
    "a link in an image, writable": "type=bind,from=lure,source=/lure/out,target=/host,rw",
    "a link in the repository": "type=bind,source=out,target=/host",
    "a cache outside of the caches (CVE-2024-9675)": "type=cache,id=../../../../../../../..,target=/host",
}


@both_in_campaigns
@pytest.mark.parametrize("mount", MOUNTS.values(), ids=MOUNTS.keys())
async def test_a_mount_of_a_step_does_not_reach_the_host(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines, outside: Path, mount: str
) -> None:
    recipe = (
        f"FROM {base} AS lure\nRUN busybox mkdir /lure && busybox ln -s / /lure/out\n"
        f"FROM {base}\nRUN echo {BEGAN}\nRUN --mount={mount} cat /host{outside} /host/etc/shadow; "
        "touch /host/run/galley-builder/bases/store/planted; ls /host/home /host/var /host/run/galley-builder/scopes; false\n"
    )
    request = request_for("escape", {"Dockerfile": recipe, "text": "x"}, no_cache=True)
    (request.context_root / "out").symlink_to("/")
    with pytest.raises(BuildError):
        await builder.build(request, log)
    assert BEGAN in log
    said = log.text.replace(recipe, "")
    assert MARK not in said
    assert "root:x:0" not in said
    assert not (builder.data / "bases/store/planted").exists(), "what all projects share was written to"


@both
@pytest.mark.parametrize("link", ["/etc/shadow", "/var/tmp/seatrial-test-outside", "../../../../etc/passwd"])
async def test_a_link_that_is_read_for_the_build_leads_nowhere(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines, outside: Path, link: str
) -> None:
    request = request_for(
        "ignore",
        {
            "Dockerfile": f"FROM {base}\nRUN echo {BEGAN}\nCOPY . /all\nADD link /added\nRUN cat /added /all/*\n"
        },
        no_cache=True,
    )
    (request.context_root / ".dockerignore").symlink_to(link)
    (request.context_root / "link").symlink_to(link)
    error = ""
    try:
        await builder.build(request, log)
    except BuildError as told:  # a link to nowhere is an error, or nothing
        error = str(told)
    assert BEGAN in log or "no such file" in log.text or "there is no " in error
    assert MARK not in error and "root:" not in error
    assert MARK not in log.text
    assert "root:x:0" not in log.text


async def test_a_step_sees_neither_containers_of_the_host_nor_its_interfaces(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = (
        f"FROM {base}\nRUN cat /proc/self/cgroup /proc/1/cgroup; cat /proc/self/mountinfo\n"
        "RUN busybox find /sys/fs/cgroup | wc -l; ls /sys/class/net /sys/devices/virtual/net | busybox grep -v :\n"
    )
    container = await docker("run", "-d", "--label", LABEL, base, "sleep", "600")
    try:
        await builder.build(request_for("seen", {"Dockerfile": recipe}, no_cache=True), log)
    finally:
        await docker("rm", "-f", container.strip())
    assert container[:12] not in log.text
    assert "docker" not in log.text
    groups = [line for line in log if line.count(":") == 2 and line[0].isdigit()]
    assert groups and all(line.endswith(":/") for line in groups)
    assert "1" in log, "/sys/fs/cgroup is an empty folder"
    assert not set(psutil.net_if_addrs()) & set(log.text.split())


@pytest.fixture
async def server() -> AsyncIterator[tuple[int, list[str]]]:
    """An HTTP server on every address of this host: (port, who has reached it)."""
    reached: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append((await reader.readline()).decode())
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + MARK.encode())
        writer.close()

    listening = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    serving = await asyncio.start_server(answer, sock=listening)
    port = listening.getsockname()[1]
    yield port, reached
    serving.close()


@pytest.mark.parametrize("network", ["isolated", "none"])
async def test_what_buildah_fetches_itself_is_not_the_hosts(
    builder: AnyBuilder,
    request_for: Make,
    base: str,
    log: Lines,
    server: tuple[int, list[str]],
    network: str,
) -> None:
    if os.geteuid() != 0:
        missing("only root has a fence")
    port, reached = server
    builder.network = network
    asked = own_addresses()
    for address in asked:
        files = {"Dockerfile": f"FROM {base}\nRUN echo {BEGAN}\nADD http://{address}:{port}/ /fetched\n"}
        with pytest.raises(BuildError, match="ADD http"):
            await builder.build(request_for("fetch", files, no_cache=True), log)
    assert log.count(BEGAN) == len(asked) > 1
    assert not reached


@both
async def test_a_step_that_would_be_mounted_over_the_devices_is_not_begun(
    builder: AnyBuilder, request_for: Make, base: str, log: Lines
) -> None:
    recipe = f"FROM {base} AS a\nARG P=/dev\nRUN echo {BEGAN}\nONBUILD RUN --mo\\unt=type=tmpfs,target=$P ls\nFROM a\n"
    with pytest.raises(BuildError, match=r"^Dockerfile:4: ONBUILD RUN .*: /dev is in /dev"):
        await builder.build(request_for("over-devices", {"Dockerfile": recipe}), log)
    assert not log
