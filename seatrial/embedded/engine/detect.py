"""Asks the engine at its socket for its version and runtimes."""

import errno
import http.client
import json
import os
import re
import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

STANDARD = "unix:///var/run/docker.sock"
GVISOR = "runsc"
GVISOR_FOR_PREVIEWS = "runsc-previews"  # the same program, with a network: see docs/security.md
MENDED_RUNC = {(1, 2): (1, 2, 8), (1, 3): (1, 3, 3)}  # by series; older series were not mended


@dataclass(frozen=True)
class Engine:
    """An engine that answers, or why it does not."""

    address: str
    version: str = ""
    runtimes: frozenset[str] = field(default_factory=frozenset)
    runc: str = ""  # its version as the engine reports it; some report a commit instead
    problem: str = ""  # empty when it answers
    forbidden: bool = False  # the engine exists, but this user may not use it

    @property
    def answers(self) -> bool:
        """Whether it can be used now."""
        return not self.problem

    @property
    def has_gvisor(self) -> bool:
        """Whether gVisor is registered as a runtime."""
        return GVISOR in self.runtimes

    @property
    def has_gvisor_for_previews(self) -> bool:
        """Whether gVisor is registered in such a way that previews can run in it."""
        return GVISOR_FOR_PREVIEWS in self.runtimes

    @property
    def runc_lets_out(self) -> bool:
        """Whether its runc is of a release before the ones that closed CVE-2025-31133, a way out of a container.

        A distribution may have mended an older one; its version does not tell.
        """
        version = re.match(r"v?(\d+)\.(\d+)\.(\d+)", self.runc)
        if version is None:
            return False
        major, minor, patch = map(int, version.groups())
        return (major, minor, patch) < MENDED_RUNC.get((major, minor), (1, 2, 0))


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def address(environ: Mapping[str, str]) -> str:
    """$DOCKER_HOST, or the standard socket."""
    return environ.get("DOCKER_HOST") or STANDARD


def join_group(again: str) -> str:
    """The advice for a user who may not use the engine; `again` is the command to repeat afterwards."""
    return f"Join its group: sudo usermod -aG docker $USER. Then log in again, or: sg docker -c {shlex.quote(again)}"


def connection(to: str, timeout: float = 5.0) -> http.client.HTTPConnection:
    """A connection to the engine at `to`. Raises OSError if the kind of address is not supported."""
    parts = urlsplit(to)
    if parts.scheme == "unix":
        return _UnixConnection(parts.path, timeout)
    if parts.scheme in {"tcp", "http"} and parts.hostname:
        return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=timeout)
    raise OSError(errno.EPROTONOSUPPORT, f"{to}: only unix:// and tcp:// addresses are understood")


def ask(environ: Mapping[str, str] | None = None, *, timeout: float = 20.0) -> Engine:
    """The engine at the configured address, as it is now. Never raises."""
    to = address(os.environ if environ is None else environ)
    try:
        info = request(to, "GET", "/info", timeout=timeout)
    except PermissionError:
        return Engine(to, problem=f"this user may not use {to}", forbidden=True)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Engine(to, problem=f"nothing answers at {to} ({reason})")
    return Engine(
        to,
        version=str(info.get("ServerVersion", "")),
        runtimes=frozenset(info.get("Runtimes") or ()),
        runc=str((info.get("RuncCommit") or {}).get("ID", "")),
    )


def request(
    to: str,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    timeout: float = 5.0,
    kind: str = "application/json",
) -> Any:
    """The answer to one call of the engine's API. Raises OSError, HTTPException, or ValueError with the message of a
    refusal."""
    channel = connection(to, timeout)
    try:
        channel.request(method, path, body=body, headers={"Content-Type": kind})
        answer = channel.getresponse()
        text = answer.read().decode(errors="replace")
    finally:
        channel.close()
    if answer.status >= 400:
        raise ValueError(f"the engine answered {answer.status}: {_message(text)}")
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return {"text": text}  # a stream of progress lines


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()[:300]
