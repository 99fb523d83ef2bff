"""Secrets are made once, and only their owner can read them."""

import stat

from seatrial.embedded import secrets
from seatrial.embedded.layout import DataDirectory


def test_secrets_are_the_same_at_every_start_and_private(data: DataDirectory) -> None:
    first = secrets.ensure(data)
    assert secrets.ensure(data) == first
    assert len(bytes.fromhex(first.master_key)) == 32
    for path in (data.admin_password, data.keys / "master-key", data.keys / "secret-key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_is_never_printed(data: DataDirectory) -> None:
    made = secrets.ensure(data)
    assert made.master_key not in repr(made)
    assert made.admin_password not in f"{made}"
