"""NATS JSON web tokens, made in Python: operator, account and user claims signed with NKeys."""

import base64
import hashlib
import json
import os
import time
from typing import Any

import nkeys

OPERATOR = nkeys.PREFIX_BYTE_OPERATOR
ACCOUNT = nkeys.PREFIX_BYTE_ACCOUNT
USER = nkeys.PREFIX_BYTE_USER

_UNLIMITED = {
    "subs": -1,
    "data": -1,
    "payload": -1,
    "imports": -1,
    "exports": -1,
    "wildcards": True,
    "conn": -1,
    "leaf": -1,
}
# Without these limits JetStream is off for the account.
_JETSTREAM = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}


def new_seed(prefix: int) -> bytes:
    """A fresh NKey seed of the given role."""
    return bytes(nkeys.encode_seed(os.urandom(32), prefix))


def public_key(seed: bytes) -> str:
    """The public half of `seed`."""
    return str(nkeys.from_seed(seed).public_key.decode())


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(issuer_seed: bytes, claims: dict[str, Any]) -> str:
    """`claims` as a token signed by `issuer_seed`; `iat`, `iss` and `jti` are filled in."""
    issuer = nkeys.from_seed(issuer_seed)
    claims = {"iat": int(time.time()), **claims, "iss": issuer.public_key.decode()}
    claims.pop("jti", None)
    digest = hashlib.sha256(json.dumps(claims, sort_keys=True).encode()).digest()
    claims["jti"] = base64.b32encode(digest).rstrip(b"=").decode()
    header = _unpadded(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode())
    body = f"{header}.{_unpadded(json.dumps(claims).encode())}"
    return f"{body}.{_unpadded(issuer.sign(body.encode()))}"


def claims_of(token: str) -> dict[str, Any]:
    """The claims inside `token`, unverified: only for tokens of our own making."""
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def operator(operator_seed: bytes, system_account: str) -> str:
    """The self-signed operator token."""
    return sign(
        operator_seed,
        {
            "sub": public_key(operator_seed),
            "name": "seatrial",
            "nats": {"type": "operator", "version": 2, "system_account": system_account},
        },
    )


def account(
    operator_seed: bytes,
    account_key: str,
    name: str,
    *,
    jetstream: bool,
    revocations: dict[str, int] | None = None,
) -> str:
    """An account's token. `revocations` maps a user's public key to the time before which its tokens are void."""
    nats: dict[str, Any] = {
        "type": "account",
        "version": 2,
        "limits": {**_UNLIMITED, **(_JETSTREAM if jetstream else {})},
        "default_permissions": {"pub": {}, "sub": {}},
    }
    if revocations:
        nats["revocations"] = revocations
    return sign(operator_seed, {"sub": account_key, "name": name, "nats": nats})


def user(
    account_seed: bytes,
    user_key: str,
    name: str,
    *,
    publish: list[str] | None = None,
    subscribe: list[str] | None = None,
    expires_at: int | None = None,
) -> str:
    """A user's token; without lists it may do everything within the account."""
    claims: dict[str, Any] = {
        "sub": user_key,
        "name": name,
        "nats": {
            "type": "user",
            "version": 2,
            "subs": -1,
            "data": -1,
            "payload": -1,
            "pub": {"allow": publish} if publish else {},
            "sub": {"allow": subscribe} if subscribe else {},
        },
    }
    if expires_at is not None:
        claims["exp"] = expires_at
    return sign(account_seed, claims)


def credentials(token: str, seed: bytes) -> str:
    """The text of a `.creds` file."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed.decode()}\n------END USER NKEY SEED------\n"
    )
