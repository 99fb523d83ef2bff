"""What the chain hashes: an entry as one text that is always the same, and a link to the seal before it.

Both are SHA-256 in hexadecimal, of JSON in ASCII with sorted keys and no spaces, so that any program can compute them again.
"""

import hashlib
import json
from datetime import UTC, datetime

from seatrial.control.audit.models import AuditEntry

GENESIS = "0" * 64  # stands before the first seal


def content(entry: AuditEntry) -> str:
    """The hash of an entry, which must come from the database: it rounds times and orders details."""
    return _hash(
        {
            "id": entry.id,
            "at": _moment(entry.at),
            "actor": entry.actor,
            "actor_kind": entry.actor_kind,
            "actor_key": entry.actor_key,
            "action": entry.action,
            "target": entry.target,
            "workspace": entry.workspace,
            "address": entry.address,
            "details": entry.details,
        }
    )


def link(former: str, number: int, content: str, sealed_at: datetime) -> str:
    """The hash of a seal, after the one with the hash `former`."""
    return _hash({"former": former, "number": number, "content": content, "sealed_at": _moment(sealed_at)})


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _hash(document: dict[str, object]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
