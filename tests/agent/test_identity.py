"""Keys, registration over HTTP, and the messages of a refused registration."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from nacl.public import PublicKey, SealedBox
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from seatrial.agent.bus.identity import Identity, SealedValueError
from seatrial.agent.bus.registration import RegistrationRefused, readmitted, registered
from seatrial.agent.settings import Settings

GIVEN = {"agent": "a1", "name": "n", "nats_url": "nats://x", "user_jwt": "jwt"}


class ControlPlane:
    """Answers registrations with `answers`, one after the other; the last one is repeated."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, object]] = [(200, GIVEN)]
        self.asked: list[dict[str, str]] = []
        plane = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                plane.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                status, body = plane.answers.pop(0) if len(plane.answers) > 1 else plane.answers[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    plane = ControlPlane()
    yield plane
    plane.server.shutdown()
    plane.server.server_close()


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def settings(plane: ControlPlane, token: str = "galley_t") -> Settings:
    return Settings(galley_control_plane_url=plane.url + "/", galley_agent_token=SecretStr(token))


async def test_registers_once_and_keeps_the_credential(tmp_path: Path, plane: ControlPlane) -> None:
    identity = Identity.load(tmp_path / "identity")
    plane.answers.insert(0, (503, {}))
    _, credential = await registered(identity, settings(plane), release="1")
    assert credential.agent == "a1" and plane.asked[-1]["token"] == "galley_t"
    assert plane.asked[-1]["public_key"] == identity.public_key and identity.public_key.startswith("U")
    again = Identity.load(tmp_path / "identity")
    assert again == identity
    assert await registered(again, settings(plane, ""), release="1") == (identity, credential)
    assert await registered(again, settings(plane), release="1") == (identity, credential), "the same token"
    assert len(plane.asked) == 2
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "identity").iterdir()}
    assert set(modes.values()) == {"0o600"} and (tmp_path / "identity").stat().st_mode & 0o77 == 0


async def test_another_token_is_a_new_beginning(tmp_path: Path, plane: ControlPlane) -> None:
    first, _ = await registered(Identity.load(tmp_path / "identity"), settings(plane), release="1")
    plane.answers = [(409, {"detail": "token already exchanged"})]
    with pytest.raises(RegistrationRefused):
        await registered(first, settings(plane, "galley_wrong"), release="1")
    assert Identity.load(tmp_path / "identity") == first, "what is refused changes nothing"
    plane.answers = [(200, GIVEN | {"agent": "a2"})]
    identity, credential = await registered(first, settings(plane, "galley_new"), release="1")
    assert credential.agent == "a2" and plane.asked[-1]["public_key"] == identity.public_key
    assert identity.public_key != first.public_key and identity.seal_key != first.seal_key
    again = Identity.load(tmp_path / "identity")
    assert again == identity and again.credential() == credential
    assert left(tmp_path) == ["identity"]


async def test_a_control_plane_that_was_set_up_anew_admits_with_the_same_token(
    tmp_path: Path, plane: ControlPlane
) -> None:
    first, _ = await registered(Identity.load(tmp_path / "identity"), settings(plane), release="1")
    plane.answers = [(200, GIVEN | {"agent": "a2"})]
    again = await readmitted(first, settings(plane), release="1")
    assert again is not None
    assert again[1].agent == "a2" and again[0].public_key != first.public_key
    assert plane.asked[-1]["token"] == plane.asked[0]["token"]
    assert await registered(Identity.load(tmp_path / "identity"), settings(plane), release="1") == again
    assert left(tmp_path) == ["identity"]


async def test_an_agent_that_was_revoked_stays_out_and_keeps_what_it_has(
    tmp_path: Path, plane: ControlPlane
) -> None:
    first, credential = await registered(Identity.load(tmp_path / "identity"), settings(plane), release="1")
    plane.answers = [(403, {"error": {"code": "token_used", "message": "token already exchanged"}})]
    assert await readmitted(first, settings(plane), release="1") is None
    assert await readmitted(first, settings(plane, ""), release="1") is None
    again = Identity.load(tmp_path / "identity")
    assert again.public_key == first.public_key and again.credential() == credential


async def test_killed_while_the_new_keys_take_over(tmp_path: Path, plane: ControlPlane) -> None:
    first = Identity.load(tmp_path / "identity")
    successor = first.successor()
    first.directory.rename(tmp_path / "identity.old")
    assert Identity.load(tmp_path / "identity").public_key == successor.public_key


async def test_a_used_token_is_named(tmp_path: Path, plane: ControlPlane) -> None:
    plane.answers = [(403, {"error": {"code": "token_used", "message": "token already exchanged"}})]
    with pytest.raises(RegistrationRefused, match=r"token already exchanged.*POST /api/v1/agents"):
        await registered(Identity.load(tmp_path), settings(plane), release="1")


async def test_what_the_control_plane_lacks_is_in_the_agents_log(tmp_path: Path, plane: ControlPlane) -> None:
    lacks = {"error": {"code": "cannot_sign", "message": "GALLEY_NATS_SIGNING_SEED is not set."}}
    plane.answers.insert(0, (503, lacks))
    with capture_logs() as logs:
        await registered(Identity.load(tmp_path), settings(plane), release="1")
    assert logs[0]["problem"] == "HTTP 503: GALLEY_NATS_SIGNING_SEED is not set."


async def test_no_token_and_no_control_plane(tmp_path: Path, plane: ControlPlane) -> None:
    with pytest.raises(RegistrationRefused, match="GALLEY_AGENT_TOKEN is not set"):
        await registered(Identity.load(tmp_path), settings(plane, ""), release="1")
    away = Settings(galley_control_plane_url="http://127.0.0.1:1", galley_agent_token=SecretStr("galley_t"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await registered(Identity.load(tmp_path), away, release="1")


@pytest.mark.parametrize(("status", "body"), [(200, {"hello": "world"}), (404, "page not found"), (403, [])])
async def test_what_is_no_control_plane_is_not_blamed_on_the_token(
    tmp_path: Path, plane: ControlPlane, status: int, body: object
) -> None:
    plane.answers = [(status, body)]
    with pytest.raises(RegistrationRefused, match=r"Set GALLEY_CONTROL_PLANE_URL to") as refused:
        await registered(Identity.load(tmp_path), settings(plane), release="1")
    assert "token" not in str(refused.value)


@pytest.mark.parametrize("address", ["localhost:3000", "ftp://host", "http://", "host"])
def test_what_is_no_address_is_said_at_once(address: str) -> None:
    with pytest.raises(ValidationError, match=r"not an address: write it like http://host:3000"):
        Settings(galley_control_plane_url=address)


def test_only_this_agent_opens_what_is_sealed_to_it(tmp_path: Path) -> None:
    identity, other = Identity.load(tmp_path / "a"), Identity.load(tmp_path / "b")
    box = SealedBox(PublicKey(base64.b64decode(identity.seal_key)))
    sealed = base64.b64encode(box.encrypt(b"secret")).decode()
    assert identity.unseal(sealed) == b"secret" and identity.unseal("") == b""
    with pytest.raises(SealedValueError):
        other.unseal(sealed)


def test_sizes_of_the_settings() -> None:
    def memory(text: str) -> int:
        return Settings.model_validate({"galley_default_memory": text}).galley_default_memory

    assert [memory(text) for text in ("512m", "1g", "1.5G", "268435456", "300MB")] == [
        512,
        1024,
        1536,
        256,
        300,
    ]
    with pytest.raises(ValidationError, match="Write it like 512m, and at least 6m"):
        memory("much")
