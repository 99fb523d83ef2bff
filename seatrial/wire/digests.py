"""Digests of data, the same for whoever computes them: SHA-256 over JSON in one form, in hex."""

import hashlib
import json
from typing import Any


def digest_of(data: Any) -> str:
    """Of anything that JSON can hold: keys sorted, no blanks, ASCII only."""
    written = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()
