"""Ed25519 keys: making one, its id, and reading public ones."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from seatrial.signed.errors import NoKey


@dataclass(frozen=True)
class NewKey:
    """Both halves of a key, as PEM. The private one never shows in a repr."""

    id: str
    public: str
    private: str

    def __repr__(self) -> str:
        return f"<key {self.id}>"


def new_key() -> NewKey:
    """A key that nobody had before."""
    made = Ed25519PrivateKey.generate()
    private = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return NewKey(key_id(made.public_key()), public, private)


def key_id(public: Ed25519PublicKey) -> str:
    """SHA-256 of the 32 bytes of the public key, in hex."""
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def private_key(pem: str) -> Ed25519PrivateKey:
    """Read one. Raises NoKey."""
    try:
        found = load_pem_private_key(pem.encode(), password=None)
    except ValueError:
        found = None
    if not isinstance(found, Ed25519PrivateKey):
        raise NoKey("This is no private Ed25519 key.")
    return found


def public_keys(text: str) -> Sequence[Ed25519PublicKey]:
    """Those in a file: PEM, or the answer of `/api/v1/signing-keys`. Raises NoKey."""
    begin, end = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
    try:
        given = json.loads(text)
        text = "\n".join(str(row["public_key"]) for row in given)
    except (ValueError, TypeError, KeyError):
        pass  # PEM
    found = []
    for part in text.split(begin)[1:]:
        pem = f"{begin}{part.partition(end)[0]}{end}\n"
        try:
            key = load_pem_public_key(pem.encode(errors="replace"))
        except ValueError:
            continue
        if isinstance(key, Ed25519PublicKey):
            found.append(key)
    if not found:
        raise NoKey(
            "There is no Ed25519 public key in it. Take it from /api/v1/signing-keys of the server that signed."
        )
    return found
