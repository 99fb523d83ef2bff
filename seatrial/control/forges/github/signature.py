"""X-Hub-Signature-256: HMAC-SHA256 of the raw body."""

import hashlib
import hmac

PREFIX = "sha256="


def sign(body: bytes, secret: str) -> str:
    """The header's value for `body`."""
    return PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(body: bytes, signature: str, secret: str) -> bool:
    """True when `signature` is that of `body`, in constant time. An empty secret verifies nothing."""
    return bool(secret) and hmac.compare_digest(sign(body, secret).encode(), signature.encode())
