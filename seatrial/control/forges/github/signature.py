"""X-Hub-Signature-256: HMAC-SHA256 of the raw body."""

import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "sha256="


def sign(body: bytes, secret: str) -> str:
    """The header's value for `body`."""
    return PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(body: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """True when `signature` is that of `body` by one of `secrets`.

    Every secret is compared, in constant time, even after one of them has matched. An empty secret verifies nothing.
    """
    given = signature.encode()
    fits = [hmac.compare_digest(sign(body, secret).encode(), given) for secret in secrets if secret]
    return any(fits)
