"""Master keys: 32 bytes each, from the environment, in memory only."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from seatrial.control.vault.errors import UnfitMasterKey
from seatrial.wire.counted import counted

KEY_BYTES = 32
ID_BYTES = 8
VARIABLE = "GALLEY_MASTER_KEY"
FALLBACKS = "GALLEY_MASTER_KEY_FALLBACKS"
FIX = "Make one with `openssl rand -hex 32` and keep a copy apart from the database: without it stored secrets are lost."


@dataclass(frozen=True)
class MasterKey:
    """Wraps the data key of every secret. Its bytes never show in a repr."""

    value: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str, variable: str = VARIABLE) -> "MasterKey":
        """Read hex or base64 (plain or URL-safe, as Fernet keys are). Raises UnfitMasterKey, which never quotes the text."""
        text = text.strip()
        if not text:
            raise UnfitMasterKey(f"{variable} is not set. {FIX}")
        value = _decoded(text)
        if value is None:
            raise UnfitMasterKey(f"{variable} is neither hex nor base64. {FIX}")
        if len(value) != KEY_BYTES:
            problem = "too short" if len(value) < KEY_BYTES else "too long"
            raise UnfitMasterKey(
                f"{variable} is {problem}: it decodes to {counted(len(value), 'byte')}, {KEY_BYTES} are needed. {FIX}"
            )
        return cls(value)

    @cached_property
    def id(self) -> str:
        """The key's id, which is in every envelope that it wrapped. It reveals nothing about the key."""
        derived = HKDFExpand(SHA256(), length=ID_BYTES, info=b"seatrial.control.vault key id")
        return derived.derive(self.value).hex()


class Keys:
    """The keys of one process. New envelopes are sealed with `current`; the former ones only open.

    `variable` is where the current key was read, for messages.
    """

    def __init__(self, current: MasterKey, *former: MasterKey, variable: str = VARIABLE) -> None:
        self.current = current
        self.variable = variable
        self._by_id = {key.id: key for key in (current, *former)}

    @classmethod
    def from_variables(cls, given: Mapping[str, str], fallbacks: str = "") -> "Keys":
        """The key that these variables hold, and the former ones in `fallbacks`, with commas between.

        Variables that are set must hold the same key. Raises UnfitMasterKey.
        """
        found = {name: MasterKey.parse(text, name) for name, text in given.items() if text.strip()}
        if not found:
            raise UnfitMasterKey(f"{' or '.join(given)} is not set. {FIX}")
        if len({key.value for key in found.values()}) > 1:
            raise UnfitMasterKey(
                f"{' and '.join(found)} are different keys, and a database has one. Unset the one that it was not sealed with."
            )
        variable, key = next(iter(found.items()))
        former = [MasterKey.parse(text, FALLBACKS) for text in fallbacks.split(",") if text.strip()]
        return cls(key, *former, variable=variable)

    def __iter__(self) -> Iterator[MasterKey]:
        return iter(self._by_id.values())

    @property
    def ids(self) -> list[str]:
        """The id of every key, the current one first."""
        return list(self._by_id)

    def find(self, key_id: str) -> MasterKey | None:
        """The key with this id, if it is here."""
        return self._by_id.get(key_id)

    def led_by(self, key: MasterKey) -> "Keys":
        """The same keys, of which `key` seals."""
        return Keys(key, *self, variable=self.variable)


def _decoded(text: str) -> bytes | None:
    # Try hex first: 64 hex digits are also valid base64, but would decode to 48 other bytes.
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text)
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return None
