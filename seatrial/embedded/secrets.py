"""Secrets, generated at the first start and read afterwards. Losing the master key loses everything it sealed."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from seatrial import files
from seatrial.embedded.layout import DataDirectory


@dataclass(frozen=True, repr=False)
class Secrets:
    """The platform's secrets. They are never printed or logged; `admin_password` is shown to its owner on request."""

    secret_key: str
    master_key: str
    admin_password: str


UNUSED = Secrets(secret_key="", master_key="", admin_password="")  # for an environment that nothing runs with


def ensure(data: DataDirectory) -> Secrets:
    """Read each secret, making those that are missing, and the files of former keys, which are empty at first."""
    for key in (data.secret_key, data.master_key):
        _ensure(data.former(key), "")
    return Secrets(
        secret_key=_ensure(data.secret_key, secrets.token_urlsafe(50)),
        master_key=_ensure(data.master_key, secrets.token_hex(32)),
        admin_password=_ensure(data.admin_password, secrets.token_urlsafe(12)),
    )


def _ensure(path: Path, fresh: str) -> str:
    if not path.exists():
        files.replace(path, fresh + "\n", mode=0o600, lasting=True)
    return path.read_text().strip()
