"""Envelope encryption: a fresh AES-256-GCM data key per secret, wrapped by the master key.

The sealed text is `v2.<key id>.<place>.<wrapped data key>.<ciphertext>`. The last two are nonce + AES-GCM output in
URL-safe base64, and both authenticate the identity of the row they belong to, so a value copied to another row or
column does not open. The wrapped data key also authenticates the key id. The ciphertext does not, so that changing the
master key only means wrapping the data key again. `place` is a digest of the identity. It protects nothing: it only
shows whether an envelope was moved or damaged.

`v1.<wrapped data key>.<ciphertext>` has no key id and no place. It is opened with the first key that fits, and never
written.
"""

import base64
import hashlib
import os
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from seatrial.control.vault.errors import Damaged, NotSealed, UnknownKey, WrongKey, WrongRow
from seatrial.control.vault.keys import Keys

VERSION = "v2"
NONCE_BYTES = 12
PLACE_BYTES = 8
KEY_ID = r"[0-9a-f]{16}"


@dataclass(frozen=True)
class Identity:
    """The one place where a sealed value is valid."""

    table: str
    column: str
    pk: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} of {self.pk}"

    def associated(self, version: str, *about: str) -> bytes:
        """The associated data that AES-GCM authenticates. Length-prefixed, so that no two identities collide."""
        words = ("seatrial", version, *about, self.table, self.column, self.pk)
        return b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)

    @property
    def place(self) -> str:
        """A short digest of this identity."""
        return hashlib.sha256(self.associated(VERSION, "place")).digest()[:PLACE_BYTES].hex()


def seal(plain: str, identity: Identity, keys: Keys) -> str:
    """Encrypt `plain` for `identity` under the current key. Two calls never give the same text."""
    data_key = AESGCM.generate_key(bit_length=256)
    wrapped = _encrypt(keys.current.value, data_key, identity.associated(VERSION, "key", keys.current.id))
    ciphertext = _encrypt(data_key, plain.encode(), identity.associated(VERSION, "value"))
    return f"{VERSION}.{keys.current.id}.{identity.place}.{wrapped}.{ciphertext}"


def unseal(text: str, identity: Identity, keys: Keys) -> str:
    """The reverse of `seal`. Raises a kind of Unopenable that says what has happened; its message names the fix."""
    version, *parts = text.split(".")
    match version, parts:
        case "v2", [key_id, place, wrapped, ciphertext] if re.fullmatch(KEY_ID, key_id):
            data_key = _unwrap(wrapped, identity, keys, key_id, place)
        case "v1", [wrapped, ciphertext]:
            data_key = _unwrap_first(wrapped, identity, keys)
        case "v1" | "v2", _:
            raise Damaged(str(identity))
        case _:
            raise NotSealed(str(identity))
    plain = _decrypt(data_key, ciphertext, identity.associated(version, "value"))
    if plain is None:
        raise Damaged(str(identity))
    return plain.decode()


def renew(text: str, identity: Identity, keys: Keys) -> str:
    """The same secret under the current key: its data key is wrapped again, its ciphertext stays. Raises a kind of Unopenable."""
    match text.split("."):
        case ["v2", key_id, place, wrapped, ciphertext] if re.fullmatch(KEY_ID, key_id):
            data_key = _unwrap(wrapped, identity, keys, key_id, place)
        case _:
            return seal(unseal(text, identity, keys), identity, keys)
    again = _encrypt(keys.current.value, data_key, identity.associated(VERSION, "key", keys.current.id))
    return f"{VERSION}.{keys.current.id}.{place}.{again}.{ciphertext}"


def key_of(text: str) -> str:
    """The id of the key that wrapped an envelope; empty where it names none."""
    match text.split("."):
        case ["v2", key_id, _, _, _] if re.fullmatch(KEY_ID, key_id):
            return key_id
    return ""


def sealed_by(key_id: str) -> str:
    """How envelopes begin that the key with this id wrapped."""
    return f"{VERSION}.{key_id}."


def _unwrap(wrapped: str, identity: Identity, keys: Keys, key_id: str, place: str) -> bytes:
    master = keys.find(key_id)
    if master is None:
        raise UnknownKey(str(identity), key_id, keys.variable, keys.ids)
    if place != identity.place:
        raise WrongRow(str(identity))
    data_key = _decrypt(master.value, wrapped, identity.associated(VERSION, "key", key_id))
    if data_key is None:
        raise Damaged(str(identity))
    return data_key


def _unwrap_first(wrapped: str, identity: Identity, keys: Keys) -> bytes:
    """Unwrap a data key of version 1. It has no key id, so every key is tried."""
    unwrapped = (_decrypt(master.value, wrapped, identity.associated("v1", "key")) for master in keys)
    data_key = next((one for one in unwrapped if one is not None), None)
    if data_key is None:
        raise WrongKey(str(identity), keys.variable, keys.ids)
    return data_key


def _encrypt(key: bytes, data: bytes, associated: bytes) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, data, associated)).decode()


def _decrypt(key: bytes, text: str, associated: bytes) -> bytes | None:
    """The decrypted bytes; None if `text` was not encrypted with this key and with this associated data."""
    try:
        data = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
        # The last letter has unused bits, which must not vary
        if base64.urlsafe_b64encode(data).decode() != text:
            return None
        return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], associated)
    except (InvalidTag, ValueError):
        return None
