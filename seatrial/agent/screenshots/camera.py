"""Takes screenshots: a container with Chromium, for one page, in the network of the preview, and gone afterwards."""

import asyncio
import contextlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import structlog
from pydantic import ValidationError

from seatrial.agent.engine import Engine
from seatrial.agent.engine.attached import Attached
from seatrial.agent.engine.sealed import SealedSpec
from seatrial.agent.vocabulary.errors import AgentError, EngineRefused
from seatrial.agent.vocabulary.labels import AGENT, MANAGED
from seatrial.agent.vocabulary.whole import whole
from seatrial.wire.envelope import new_id
from seatrial.wire.screenshots import MOST_BYTES, MOST_PROBLEM, SIGNATURE, TAKE_SECONDS, Shown

log = structlog.get_logger(__name__)

BROWSER_LABEL = "galley.browser"
NAME = "galley-browser-"
PROGRAM = "seatrial.browser.take"
BEGIN_SECONDS = 30.0  # for a container on a host with much to do
MEMORY_BYTES = 1 << 30
CPUS = 1.0
PIDS = 300
SCRATCH_MB = 256
NOBODY = "65534:65534"
MOST_LINE = 10_000
RESOLVER = (
    "127.0.0.1"  # where nobody answers: the browser is told where the preview is, and needs no other name
)


class CameraError(Exception):
    """There is no picture, for a reason that people can read. `lasting`: another try would give none either; `not_yet`: there will be
    a browser later."""

    def __init__(self, message: str, *, lasting: bool = False, not_yet: bool = False) -> None:
        super().__init__(message[:MOST_PROBLEM])
        self.lasting = lasting
        self.not_yet = not_yet


@dataclass(frozen=True)
class View:
    """One page: its address, what each name there leads to (all others lead nowhere), and from which network it is looked at."""

    url: str
    hosts: Mapping[str, str]
    headers: Mapping[str, str]
    network: str
    gvisor: bool = False


class Browsers(Protocol):
    """Has the browser's image on the host."""

    async def ensure(self) -> str:
        """Its name. Raises AgentError, and CameraError while it is being made."""

    async def close(self) -> None:
        """End what is being made."""


class Camera:
    """Takes screenshots, each in a new container. What a killed agent leaves ends by itself, and is removed at the next start."""

    def __init__(self, engine: Engine, browsers: Browsers, agent: str) -> None:
        self._engine = engine
        self._browsers = browsers
        self._labels = {MANAGED: "true", AGENT: agent, BROWSER_LABEL: "true"}

    async def take(self, view: View) -> tuple[Shown, bytes]:
        """(what the page was like, a PNG of it). Raises CameraError. If cancelled, nothing is left."""
        name = f"{NAME}{new_id()[-10:].lower()}"
        try:
            image = await self._browsers.ensure()
            async with asyncio.timeout(BEGIN_SECONDS + TAKE_SECONDS):
                await whole(self._engine.containers.create_sealed)(self._spec(name, image, view))
                return picture(await self._said(name))
        except TimeoutError as error:
            raise CameraError("the browser said nothing in time") from error
        except (OSError, AgentError) as error:
            raise CameraError(f"no browser could be started: {error}") from error
        finally:
            await asyncio.shield(self._remove(name))

    async def prepare(self) -> None:
        """Remove what an earlier run of this agent left, and have an image made if there is none. Raises AgentError."""
        for container in await self._engine.containers.ids(self._labels):
            await self._remove(container)
        with contextlib.suppress(CameraError):
            await self._browsers.ensure()

    async def close(self) -> None:
        """End what is being made."""
        await self._browsers.close()

    async def _said(self, name: str) -> bytes:
        attached = await self._engine.containers.attach(name)
        try:
            await self._engine.containers.start(name)
            return await output(attached)
        finally:
            await attached.close()

    async def _remove(self, name: str) -> None:
        try:
            await self._engine.containers.remove(name)
        except EngineRefused as error:
            if error.status != 409:  # it removes itself
                log.warning("browser not removed", container=name, problem=str(error))
        except (OSError, AgentError) as error:
            log.warning("browser not removed", container=name, problem=str(error))

    def _spec(self, name: str, image: str, view: View) -> SealedSpec:
        asked = {
            "url": view.url,
            "hosts": dict(view.hosts),
            "headers": dict(view.headers),
            "seconds": TAKE_SECONDS,
        }
        return SealedSpec(
            name=name,
            image=image,
            entrypoint=["python3", "-I", "-B", "-c", program()],
            command=[json.dumps(asked)],
            labels=self._labels,
            memory_bytes=MEMORY_BYTES,
            cpus=CPUS,
            pids=PIDS,
            gvisor=view.gvisor,
            network=view.network,
            resolvers=(RESOLVER,),
            sets_apart=False,
            user=NOBODY,
            scratch_mb=SCRATCH_MB,
        )


@cache
def program() -> str:
    """The program beside Chromium. It is read and never imported, and belongs to this release whatever made the image."""
    spec = importlib.util.find_spec("seatrial")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "browser" / "take.py").read_text()


async def output(attached: Attached) -> bytes:
    """All that it prints, as far as a picture goes."""
    out = bytearray()
    while (said := await attached.read()) is not None and len(out) <= MOST_LINE + MOST_BYTES:
        if not said.error:
            out += said.data
    return bytes(out)


def picture(out: bytes) -> tuple[Shown, bytes]:
    """What the program's output says. All of it may come from a page that took the browser over. Raises CameraError."""
    line, _, png = out.partition(b"\n")
    try:
        said: Any = json.loads(line.replace(rb"\u0000", b""))
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise CameraError("the browser ended without a picture")
    if problem := said.get("problem"):
        raise CameraError(str(problem), lasting=True)
    try:
        shown = Shown.model_validate({**said, "title": str(said.get("title", ""))})
    except ValidationError as error:
        raise CameraError("the browser says something else than how the page was") from error
    if len(png) != said.get("bytes") or len(png) > MOST_BYTES or not png.startswith(SIGNATURE):
        raise CameraError("the browser's picture is not whole")
    return shown, png
