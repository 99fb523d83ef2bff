"""Secrets and keys on their way into a build: files that only the builder's account can read, in a folder that is gone after it.

No command line, environment, layer or key of a cache has one in it. Both builders take the same options.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from seatrial import files
from seatrial.agent.builds.account import Account
from seatrial.agent.builds.base import BuildRequest


def write(request: BuildRequest, folder: Path, account: Account | None = None) -> None:
    """Write them into `folder`, for `account` alone; without one, for ourselves."""
    for name, value in _files(request):
        files.replace(folder / name, value, mode=0o400)
        if account is not None:
            os.chown(folder / name, account.uid, account.gid)


def arguments(request: BuildRequest, folder: Path) -> list[str]:
    """The options that name them to a builder, which sees `folder` by this path."""
    secrets = [f"id={name},src={folder / _secret(name)}" for name in request.secrets]
    keys = [f"{name}={folder / _key(name)}" for name in request.ssh]
    return [*(f"--secret={one}" for one in secrets), *(f"--ssh={one}" for one in keys)]


def _files(request: BuildRequest) -> Iterator[tuple[str, str]]:
    yield from ((_secret(name), value) for name, value in request.secrets.items())
    yield from ((_key(name), f"{value.strip()}\n") for name, value in request.ssh.items())


def _secret(name: str) -> str:
    return f"secret-{name}"


def _key(name: str) -> str:
    return f"key-{name}"
