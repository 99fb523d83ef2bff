"""Checks of the machine before anything is started."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.embedded.engine import daemon, detect
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.ports import require_free
from seatrial.embedded.remembered import Remembered, read
from seatrial.embedded.typed import script, typed
from seatrial.environ.reading import bare
from seatrial.environ.sentences import refusals
from seatrial.ports import find_free, is_free
from seatrial.wire.words import RuntimeKind

DEFAULT_PORT = 3000
DEFAULT_INGRESS_PORT = 8080
MIN_FREE_MB = 500


@dataclass(frozen=True)
class Choices:
    """The choices of the person who started it; None where they made none."""

    port: int | None = None
    ingress_port: int | None = None
    runtime: str | None = None


def settle(choices: Choices, data: DataDirectory, environ: Mapping[str, str]) -> Remembered:
    """Decide every port: from the command line, else the environment, else the last start, else the default.

    Raises PortTaken for the two visible ports; an internal port that is taken is chosen anew.
    """
    before = read(data.platform_file)
    port, ingress = visible_ports(choices, before, environ)
    if port == ingress:
        raise CannotRun(
            f"port {port} is given twice.", fix="Give --port and --ingress-port different numbers"
        )
    require_free(port, purpose="dashboard", flag="--port", variable="APP_PORT")
    require_free(ingress, purpose="previews", flag="--ingress-port", variable="SEATRIAL_INGRESS_PORT")
    nats = _internal(before.nats_port if before else None, taken={port, ingress})
    traefik = _internal(before.traefik_port if before else None, taken={port, ingress, nats})
    # The runtime of the last start does not count: people must ask for `process` every time.
    runtime = choices.runtime or bare(environ.get("GALLEY_RUNTIME", "")) or RuntimeKind.DOCKER
    return Remembered(
        port=port,
        ingress_port=ingress,
        nats_port=nats,
        traefik_port=traefik,
        runtime=runtime,
        site_url=(bare(environ.get("SITE_URL", "")) or f"http://localhost:{port}").rstrip("/"),
        agent=before.agent if before else "",
        engine=detect.address(environ) if runtime == RuntimeKind.DOCKER else before.engine if before else "",
    )


def visible_ports(choices: Choices, before: Remembered | None, environ: Mapping[str, str]) -> tuple[int, int]:
    """The dashboard's and the previews' port."""
    port = choices.port or _number(environ, "APP_PORT") or (before.port if before else DEFAULT_PORT)
    ingress = choices.ingress_port or _number(environ, "SEATRIAL_INGRESS_PORT")
    return port, ingress or (before.ingress_port if before else DEFAULT_INGRESS_PORT)


def _internal(before: int | None, *, taken: set[int]) -> int:
    """The remembered port, or a free one; never one of those `taken`, which nobody listens on yet."""
    if before and before not in taken and is_free(before):
        return before
    return next(port for port in iter(find_free, None) if port not in taken)


def _number(environ: Mapping[str, str], name: str) -> int | None:
    text = bare(environ.get(name, ""))
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CannotRun(f"{name} is not a port.", fix=f"Give a number from 1 to 65535, like {name}=3000")
    return int(text)


def require_settings(control: Mapping[str, str], agent: Mapping[str, str]) -> None:
    """Raise CannotRun with everything that a program would refuse about its environment, before any of them is started."""
    from seatrial.agent.settings import Settings
    from seatrial.control.configuration import Configuration

    if said := dict.fromkeys((*refusals(Configuration, control), *refusals(Settings, agent))):
        raise CannotRun("\n".join(said), fix=f"Nothing was started. Set them anew, and again: {typed('up')}")


def require_space(path: Path) -> None:
    """Raise CannotRun when the data directory's disk is too full to work on."""
    usage = shutil.disk_usage(path)
    free = usage.free // 1_000_000
    if free < MIN_FREE_MB:
        raise CannotRun(
            f"the data directory {path} has {free} MB free; {MIN_FREE_MB} MB are needed.",
            fix=f"Free some space, or choose another: SEATRIAL_DATA_DIR=/some/where {typed('up')}",
        )


def require_engine(runtime: str, environ: Mapping[str, str]) -> None:
    """Raise CannotRun unless the engine answers, starting it where it is ours to start."""
    if runtime != RuntimeKind.DOCKER:
        return
    engine = detect.ask(environ)
    if not engine.answers and daemon.may_start(environ):
        try:
            daemon.start()
        except daemon.EngineProblem as problem:
            raise CannotRun(f"Docker Engine does not start: {problem}.", fix=_fix_engine()) from problem
        engine = detect.ask(environ)
    if engine.forbidden:
        raise CannotRun(
            f"Docker Engine is there, but {engine.problem}.",
            fix=detect.join_group(typed("up", "--detach")),
        )
    if not engine.answers:
        raise CannotRun(f"Docker Engine is not there: {engine.problem}.", fix=_fix_engine())


def _fix_engine() -> str:
    try_out = typed("up", "--runtime", "process")
    return f"Install and start one: {script('engine')}. Or try out trusted code without isolation: {try_out}"
