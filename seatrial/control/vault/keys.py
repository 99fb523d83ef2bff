"""The master key: 32 bytes from the environment, in memory only."""

import base64
import re
from dataclasses import dataclass, field

from seatrial.control.vault.errors import UnfitMasterKey

KEY_BYTES = 32
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
                f"GALLEY_MASTER_KEY is {problem}: it decodes to {len(value)} bytes, {KEY_BYTES} are needed. {FIX}"
            )
        return cls(value)


def _decoded(text: str) -> bytes | None:
    # Hex first: 64 hex digits are valid base64 too, and would give 48 other bytes.
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text)
    padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        return None
