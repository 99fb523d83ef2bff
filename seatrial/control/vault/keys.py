"""Master keys: 32 bytes each, from the environment, in memory only."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from seatrial.control.vault.errors import UnfitMasterKey
from seatrial.wire.counted import counted

KEY_BYTES = 32
ID_BYTES = 8
FIX = "Make one with `openssl rand -hex 32` and keep a copy apart from the database: without it stored secrets are lost."


@dataclass(frozen=True)
class MasterKey:
    """Wraps the data key of every secret. Its bytes never show in a repr."""

    value: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "MasterKey":
        """Read hex or base64 (plain or URL-safe). Raises UnfitMasterKey, which never quotes the text."""
        text = text.strip()
        if not text:
            raise UnfitMasterKey(f"GALLEY_MASTER_KEY is not set. {FIX}")
        value = _decoded(text)
        if value is None:
            raise UnfitMasterKey(f"GALLEY_MASTER_KEY is neither hex nor base64. {FIX}")
        if len(value) != KEY_BYTES:
            problem = "too short" if len(value) < KEY_BYTES else "too long"
            raise UnfitMasterKey(
                f"GALLEY_MASTER_KEY is {problem}: it decodes to {counted(len(value), 'byte')}, {KEY_BYTES} are needed. {FIX}"
            )
        return cls(value)

    @cached_property
    def id(self) -> str:
        """The key's id, which is in every envelope that it wrapped. It reveals nothing about the key."""
        derived = HKDFExpand(SHA256(), length=ID_BYTES, info=b"seatrial.control.vault key id")
        return derived.derive(self.value).hex()


class Keys:
    """The keys of one process. New envelopes are sealed with `current`; the former ones only open."""

    def __init__(self, current: MasterKey, *former: MasterKey) -> None:
        self.current = current
        self._by_id = {key.id: key for key in (current, *former)}

    def __iter__(self) -> Iterator[MasterKey]:
        return iter(self._by_id.values())

    @property
    def ids(self) -> list[str]:
        """The id of every key, the current one first."""
        return list(self._by_id)

    def find(self, key_id: str) -> MasterKey | None:
        """The key with this id, if it is here."""
        return self._by_id.get(key_id)


def _decoded(text: str) -> bytes | None:
    # Try hex first: 64 hex digits are also valid base64, but would decode to 48 other bytes.
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text)
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return None
