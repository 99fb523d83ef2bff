"""Images from registries, with the real buildah, engine and packet filter: what is reached, what is not, and what is said."""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from seatrial.agent.builds.assembly import docker_builds
from seatrial.agent.builds.base import BuildRequest
from seatrial.agent.builds.buildkit.builder import BuildKitBuilder
from seatrial.agent.builds.images import DockerImages
from seatrial.agent.builds.references import kept_as
from seatrial.agent.builds.registries import pull
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.addresses import Address
from seatrial.agent.vocabulary.errors import ImageUnavailable
from seatrial.agent.vocabulary.registry_logins import NO_LOGINS, ProjectLogins
from seatrial.wire.registries import RegistryLogin
from tests.builds.conftest import Lines, docker, own_address, own_addresses
from tests.builds.containers import run
from tests.builds.registry import Registry, served
from tests.engines import missing
from tests.waiting import LIMIT_SECONDS, until

pytestmark = pytest.mark.docker

Make = Callable[..., BuildRequest]
BODY = "only-for-the-host-itself"


@pytest.fixture
async def registry(busybox: bytes) -> AsyncIterator[Registry]:
    """On the loopback; removed from the packet filter and the engine again."""
    async with served(Registry(busybox)) as registry:
        yield registry
    await forgotten(registry)


async def forgotten(registry: Registry) -> None:
    rule = ["-d", registry.address, "-p", "tcp", "--dport", str(registry.port), "-j", "ACCEPT"]
    forget = await asyncio.create_subprocess_exec(
        *["iptables", "-w", "5", "-D", "GALLEY-REGISTRIES", *rule], stderr=asyncio.subprocess.DEVNULL
    )
    await forget.wait()
    for name in (f"{registry.host}/shop/base:1", f"seatrial/by-digest:{registry.digest.partition(':')[2]}"):
        with contextlib.suppress(AssertionError):
            await docker("rmi", name)


@pytest.fixture
def images(engine: Engine, tmp_path: Path, registry: Registry) -> DockerImages:
    """May reach the registry, and nothing else of this host."""
    return pulled_through(engine, tmp_path, registry)


def pulled_through(
    engine: Engine, folder: Path, *allowed: Registry, logins: Path | None = None
) -> DockerImages:
    opened = tuple(Address(registry.address, registry.port) for registry in allowed)
    return docker_builds(engine, folder / "builder", "isolated", allowed=opened, logins=logins)[1]


@pytest.fixture
async def forbidden() -> AsyncIterator[tuple[int, list[str]]]:
    """A server on every address of this host: (port, who has connected)."""
    reached: list[str] = []

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(str(writer.get_extra_info("sockname")))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 24\r\n\r\n" + BODY.encode())
        writer.close()

    listening = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    serving = await asyncio.start_server(answer, sock=listening)
    yield listening.getsockname()[1], reached
    serving.close()


def nothing_in(folder: Path) -> bool:
    return not list(folder.iterdir())


async def test_an_image_comes_from_a_registry_that_the_operator_allows(
    images: DockerImages, registry: Registry, log: Lines, tmp_path: Path
) -> None:
    asked = f"{registry.host}/shop/base:1"
    assert await images.ensure(asked, log) == asked
    assert await run(asked, "echo", "pulled") == "pulled\n"
    by_digest = f"{registry.host}/shop/base:1@{registry.digest}"
    found = await images.ensure(by_digest, log)
    assert await run(found, "echo", "found") == "found\n"
    before = len(registry.asked)
    assert [await images.ensure(name, log) for name in (asked, by_digest)] == [asked, found]
    assert len(registry.asked) == before, "what is on the engine is not asked for again"
    await until(lambda: nothing_in(tmp_path / "builder/pulls"))


@pytest.mark.parametrize("kind", ["buildah", "buildkit"])
async def test_an_image_is_built_from_a_digest(
    engine: Engine, tmp_path: Path, registry: Registry, request_for: Make, log: Lines, kind: str
) -> None:
    allowed = (Address("127.0.0.1", registry.port),)
    buildah, images, _ = docker_builds(engine, tmp_path / "builder", "isolated", allowed=allowed)
    kit = BuildKitBuilder(engine, images, tmp_path / "kit", "none")
    builder = buildah if kind == "buildah" else kit
    name = f"{registry.host}/shop/base:1@{registry.digest}"
    recipe = f"ARG BASE={name}\nFROM $BASE AS first\nRUN echo one > /one\n"
    recipe += f"FROM {name}\nCOPY --from=first /one /one\nCOPY --from={name} /bin/busybox /two\n"
    request = request_for("digest", {"Dockerfile": recipe + 'CMD ["cat", "/one"]\n'})
    await builder.build(request, log)
    assert await run(request.tag) == "one\n"


async def test_nothing_of_the_host_is_asked_whoever_names_it(
    images: DockerImages, registry: Registry, forbidden: tuple[int, list[str]], log: Lines
) -> None:
    if os.geteuid() != 0:
        missing("only root has a fence")
    port, reached = forbidden
    doors = [f"{address}:{port}" for address in own_addresses()]
    assert len(doors) > 1
    said = ""
    images.clock = itertools.count(step=1000).__next__  # one that was silent is asked again at once
    for door in (*(d for d in doors if "[" not in d), f"localhost:{port}"):
        with pytest.raises(ImageUnavailable, match="pulls may not reach") as told:
            await images.ensure(f"{door}/shop/base:1", log)
        said += str(told.value)
    for lure in (*map(sends_for_a_token, doors), sends_elsewhere(doors[0])):
        registry.instead = lure
        asked = len(registry.asked)
        with pytest.raises(ImageUnavailable) as told:
            await images.ensure(f"{registry.host}/shop/base:2", log)
        assert len(registry.asked) > asked
        said += str(told.value)
    assert reached == []
    assert BODY not in said + log.text


def sends_for_a_token(door: str) -> Callable[[web.Request], web.Response]:
    challenge = f'Bearer realm="http://{door}/token",service="x"'
    return lambda _: web.Response(status=401, headers={"WWW-Authenticate": challenge})


def sends_elsewhere(door: str) -> Callable[[web.Request], web.Response]:
    return lambda request: (
        web.json_response({})
        if request.path == "/v2/"
        else web.Response(status=307, headers={"Location": f"http://{door}{request.path}"})
    )


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (401, "UNAUTHORIZED", "only to those who sign in"),
        (403, "DENIED", "only to those who sign in"),
        (404, "MANIFEST_UNKNOWN", r"does not have it \(404\)"),
        (404, "SOMETHING", "does not answer like a registry"),
        (429, "TOOMANYREQUESTS", "429 Too Many Requests"),
        (503, "UNAVAILABLE", r"fails \(503\)"),
        (200, "NOTHING", "does not answer like a registry"),
    ],
)
async def test_messages_about_a_registrys_answer_are_our_own(
    images: DockerImages, registry: Registry, log: Lines, status: int, code: str, told: str
) -> None:
    def answer(request: web.Request) -> web.Response:
        if request.path == "/v2/" and status < 429:
            return web.json_response({})
        return web.json_response({"errors": [{"code": code, "message": BODY}], "token": BODY}, status=status)

    registry.instead = answer
    with pytest.raises(ImageUnavailable, match=told) as error:
        await images.ensure(f"{registry.host}/shop/base:3", log)
    assert registry.host in str(error.value)
    assert BODY not in f"{error.value} {log.text}"


async def test_a_private_image_comes_with_the_operators_login_and_not_with_another(
    engine: Engine, tmp_path: Path, registry: Registry, log: Lines
) -> None:
    registry.login = "robot:of-the-token"
    file, asked = tmp_path / "auth.json", f"{registry.host}/shop/base:1"
    images = pulled_through(engine, tmp_path, registry, logins=file)
    for login, told in (
        (None, "put one into GALLEY_REGISTRY_AUTH_FILE"),
        ("robot:old", "refuses the login in"),
    ):
        auth = {"auth": base64.b64encode(login.encode()).decode()} if login else None
        file.write_text(json.dumps({"auths": {registry.host: auth} if auth else {}}))
        with pytest.raises(ImageUnavailable, match=told):
            await images.ensure(asked, log)
    auth = {"auth": base64.b64encode(registry.login.encode()).decode()}
    file.write_text(json.dumps({"auths": {registry.host: auth}}))
    assert await images.ensure(asked, log) == asked
    await until(lambda: nothing_in(tmp_path / "builder/pulls"))
    assert "of-the-token" not in log.text and auth["auth"] not in log.text


def logins_of(registry: Registry, login: str, identity: str) -> tuple[ProjectLogins, list[str]]:
    """A project's, and for which registries it was asked for them."""
    asked: list[str] = []
    username, _, password = login.partition(":")

    async def ask(host: str) -> RegistryLogin:
        asked.append(host)
        return RegistryLogin(id=identity, registry=host, username=username, password=password)

    return ProjectLogins({registry.host: identity}, ask), asked


@pytest.mark.parametrize("kind", ["buildah", "buildkit"])
async def test_what_came_with_a_projects_login_is_there_for_that_login_alone(
    engine: Engine, tmp_path: Path, registry: Registry, request_for: Make, log: Lines, kind: str
) -> None:
    registry.login = "robot:of-the-token"
    auth = base64.b64encode(registry.login.encode()).decode()
    allowed = (Address(registry.address, registry.port),)
    buildah, images, _ = docker_builds(engine, tmp_path / "builder", "isolated", allowed=allowed)
    builder = buildah if kind == "buildah" else BuildKitBuilder(engine, images, tmp_path / "kit", "none")
    ours, requested = logins_of(registry, registry.login, "01OURS")
    theirs, _ = logins_of(registry, "robot:guessed", "01THEIRS")
    image, seen = f"{registry.host}/shop/base:1", list[str]()

    async def look(request: web.Request) -> web.StreamResponse:
        registry.hold = None
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                seen.append(f"{process.cmdline()} {process.environ()}")
        return await registry.answer(request)

    registry.hold = look
    recipe = f"FROM {image} AS first\nFROM first\nCOPY --from={image} /bin/busybox /two\n"
    request = replace(request_for(f"login-{kind}", {"Dockerfile": recipe}), logins=ours)
    await builder.build(request, log)
    found = await images.ensure(image, log, ours)
    try:
        assert found == kept_as(image, "01OURS") and await run(found, "echo", "pulled") == "pulled\n"
        assert requested == [registry.host], "once, for the one pull"
        assert await engine.images.get(image) is None, "its own name leads to nobody's image"
        for others in (NO_LOGINS, theirs, replace(ours, known={})):
            with pytest.raises(ImageUnavailable, match=r"\(401 or 403\)"):
                await images.ensure(image, log, others)
            with pytest.raises(ImageUnavailable, match=r"\(401 or 403\)"):
                await builder.build(replace(request, logins=others, cache_scope="others"), log)
            with pytest.raises(ImageUnavailable, match="Seatrial's name"):
                await images.ensure(found, log, others)
        with pytest.raises(ImageUnavailable, match="Settings, Registries"):
            await images.ensure(image, log, theirs)
        assert any("--authfile" in one for one in seen)
        for said in (log.text, *seen, str(await engine.images.get(request.tag))):
            assert "of-the-token" not in said and auth not in said
        await until(lambda: nothing_in(tmp_path / "builder/pulls"))
    finally:
        await docker("rmi", "-f", found)


async def test_an_image_that_pretends_to_be_a_previews_is_refused(
    engine: Engine, tmp_path: Path, registry: Registry, busybox: bytes, log: Lines
) -> None:
    lie = Registry(busybox, labels={"galley.managed": "true"})
    registry.manifest, registry.blobs = lie.manifest, lie.blobs
    with pytest.raises(ImageUnavailable, match="built for a preview"):
        await pulled_through(engine, tmp_path, registry).ensure(f"{registry.host}/shop/base:1", log)


async def test_certificates_that_the_engine_trusts_are_trusted(
    engine: Engine, tmp_path: Path, busybox: bytes, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = own_address()
    async with certified(busybox, host, tmp_path) as registry:
        asked = f"{registry.host}/shop/base:1"
        try:
            with pytest.raises(ImageUnavailable, match=r"certificate of .* is not trusted.*certs\.d/"):
                await pulled_through(engine, tmp_path, registry).ensure(asked, log)
            monkeypatch.setattr(pull, "ENGINES_CERTIFICATES", tmp_path / "certs.d")
            assert await pulled_through(engine, tmp_path, registry).ensure(asked, log) == asked
        finally:
            await forgotten(registry)


@contextlib.asynccontextmanager
async def certified(busybox: bytes, host: str, folder: Path) -> AsyncIterator[Registry]:
    """A registry with TLS; below `folder`, `certs.d` is what an engine that trusts it has."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    both = certificate_of(host, folder)
    tls.load_cert_chain(both)
    async with served(Registry(busybox), host, tls) as registry:
        known = folder / "certs.d" / registry.host
        known.mkdir(parents=True)
        (known / "ca.crt").write_bytes(both.read_bytes())
        yield registry


def certificate_of(host: str, folder: Path) -> Path:
    """A file with a key, and a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test's registry")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    kept = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both = folder / "both.pem"
    both.write_bytes(kept + made.public_bytes(Encoding.PEM))
    return both


@pytest.mark.parametrize("number", [0, -1], ids=["the outermost", "the innermost"])
async def test_a_pull_whose_program_was_killed_is_tried_again(
    images: DockerImages, registry: Registry, log: Lines, number: int
) -> None:
    began = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        began.set()
        await asyncio.Event().wait()
        return web.Response()

    registry.hold = hang
    asked = f"{registry.host}/shop/base:1"
    pulling = asyncio.create_task(images.ensure(asked, log))
    async with asyncio.timeout(LIMIT_SECONDS):
        await began.wait()
    registry.hold = None
    programs = [
        p for p in psutil.Process().children(recursive=True) if registry.host in " ".join(p.cmdline())
    ]
    programs[number].kill()
    assert await pulling == asked
    assert f"{asked}: not your code: its pull ended" in log.text


async def test_a_pull_that_is_cancelled_leaves_nothing(
    images: DockerImages, registry: Registry, log: Lines, tmp_path: Path
) -> None:
    began = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse:
        began.set()
        await asyncio.sleep(60)
        return web.Response()

    registry.hold = hang
    pulling = asyncio.create_task(images.ensure(f"{registry.host}/shop/base:1", log))
    async with asyncio.timeout(LIMIT_SECONDS):
        await began.wait()
    pulling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulling
    await until(lambda: nothing_in(tmp_path / "builder/pulls"))
