"""Envelope encryption: a fresh AES-256-GCM data key per secret, wrapped by the master key.

The sealed text is `v1.<wrapped data key>.<ciphertext>`, each part nonce + AES-GCM output in URL-safe base64. Both
parts authenticate the identity of the row they belong to, so a value copied to another row or column does not open.
"""

import base64
import binascii
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from seatrial.control.vault.errors import Unopenable
from seatrial.control.vault.keys import MasterKey

VERSION = "v1"
NONCE_BYTES = 12


@dataclass(frozen=True)
class Identity:
    """The one place a sealed value is valid in."""

    table: str
    column: str
    pk: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} of {self.pk}"

    def associated(self, part: str) -> bytes:
        """What AES-GCM authenticates beside `part`. Length-prefixed, so that no two identities collide."""
        words = ("seatrial", VERSION, part, self.table, self.column, self.pk)
        return b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)


def seal(plain: str, identity: Identity, master: MasterKey) -> str:
    """Encrypt `plain` for `identity`. Two calls never give the same text."""
    data_key = AESGCM.generate_key(bit_length=256)
    wrapped = _encrypt(master.value, data_key, identity.associated("key"))
    ciphertext = _encrypt(data_key, plain.encode(), identity.associated("value"))
    return f"{VERSION}.{wrapped}.{ciphertext}"


def unseal(text: str, identity: Identity, master: MasterKey) -> str:
    """The reverse of `seal`. Raises Unopenable for another identity, another master key, or damage."""
    version, _, rest = text.partition(".")
    wrapped, _, ciphertext = rest.partition(".")
    if version != VERSION:
        raise Unopenable(f"{identity}: sealed by another release, or not sealed at all")
    try:
        data_key = _decrypt(master.value, wrapped, identity.associated("key"))
        return _decrypt(data_key, ciphertext, identity.associated("value")).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise Unopenable(
            f"{identity}: cannot be opened: another GALLEY_MASTER_KEY sealed it, or it was damaged or moved"
        ) from error


def _encrypt(key: bytes, data: bytes, associated: bytes) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, data, associated)).decode()


def _decrypt(key: bytes, text: str, associated: bytes) -> bytes:
    data = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
    return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], associated)
