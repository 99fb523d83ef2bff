"""Who sent a webhook: GitLab's secret token, and since GitLab 19 its signature.

A signature is `v1,` and the base64 of the HMAC-SHA256 over `id.timestamp.body`. Its key is 32 bytes, which GitLab is given
as `whsec_` and their base64. We derive it from the connection's webhook secret, unless that is such a text itself, which
somebody copied from a webhook that they made at GitLab.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX, VERSION = "whsec_", "v1,"


def signing_token(secret: str) -> str:
    """What GitLab is to sign with."""
    return PREFIX + base64.b64encode(_key(secret)).decode()


def sign(secret: str, identity: str, timestamp: str, body: bytes) -> str:
    """The signature of a webhook."""
    signed = f"{identity}.{timestamp}.".encode() + body
    return VERSION + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def signed(signatures: str, identity: str, timestamp: str, body: bytes, secrets: Sequence[str]) -> bool:
    """True when one of `signatures`, which spaces separate, is by one of `secrets`.

    Every pair is compared, in constant time, even after one has matched. An empty secret signs nothing. How old the
    timestamp is does not matter: see `webhooks`.
    """
    given = [one.encode() for one in signatures.split(" ")]
    ours = [sign(secret, identity, timestamp, body).encode() for secret in secrets if secret]
    fits = [hmac.compare_digest(one, other) for one in ours for other in given]
    return any(fits)


def known_token(token: str, secrets: Sequence[str]) -> bool:
    """True when `token` is one of `secrets`. All are compared, in constant time. An empty one proves nothing."""
    given = token.encode()
    fits = [hmac.compare_digest(secret.encode(), given) for secret in secrets if secret]
    return any(fits)


def _key(secret: str) -> bytes:
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass  # a text like any other
    return hashlib.sha256(secret.encode()).digest()
