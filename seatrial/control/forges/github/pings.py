"""A ping as GitHub sends it, to try our own address."""

from collections.abc import Mapping

from seatrial.control.forges.github.signature import sign

BODY = b'{"zen": "Seatrial tries its own address."}'


def ping(secret: str, delivery_id: str) -> tuple[Mapping[str, str], bytes]:
    """Its headers, signed with `secret`, and its body."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "seatrial-test",
        "X-GitHub-Event": "ping",
        "X-GitHub-Delivery": delivery_id,
        "X-Hub-Signature-256": sign(BODY, secret),
    }
    return headers, BODY
