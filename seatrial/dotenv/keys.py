"""Secrets, as `seatrial init` makes them."""

import base64
import secrets

from seatrial.wire.agents import TOKEN_PREFIX


def secret_key() -> str:
    """Django's signing key."""
    return secrets.token_urlsafe(50)


def master_key() -> str:
    """32 bytes, as hex."""
    return secrets.token_hex(32)


def fernet_key() -> str:
    """32 bytes, as Fernet writes them."""
    return as_fernet(secrets.token_bytes(32))


def as_fernet(key: bytes) -> str:
    """The same key in Fernet's form, which the vault takes as well."""
    return base64.urlsafe_b64encode(key).decode()


def password() -> str:
    """Of a database, which nobody types; every character is safe in an address, a shell and a file of variables."""
    return secrets.token_hex(24)


def first_password() -> str:
    """Of a person, who changes it."""
    return secrets.token_urlsafe(12)


def agent_token() -> str:
    """In the form of those that the control plane issues."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)
