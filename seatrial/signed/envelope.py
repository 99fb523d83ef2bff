"""Signs statements, and checks signed ones, in DSSE envelopes: https://github.com/secure-systems-lab/dsse"""

import json
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from seatrial.signed.errors import NoEnvelope, NotGenuine, OtherKey
from seatrial.signed.keys import key_id

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:seatrial:policy-evaluation:v1"
Json = dict[str, Any]


def sign(statement: Json, private: Ed25519PrivateKey) -> Json:
    """The envelope of `statement`. The same statement and key give the same envelope."""
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(private, _named(private.public_key())))
    return dict(envelope.to_dict())


def check(text: str, keys: Sequence[Ed25519PublicKey]) -> tuple[Json, str]:
    """The statement in an envelope, and the id of the key that signed it. Nothing of it is believed before the signature is.

    Raises NoEnvelope, OtherKey, NotGenuine.
    """
    envelope = _read(text)
    known = {key_id(key): key for key in keys}
    signed_with = list(envelope.signatures)
    ours = [one for one in signed_with if one in known]
    if not ours:
        raise OtherKey(f"It was signed with {_names(signed_with)}, and given is {_names(known)}.")
    try:
        accepted = envelope.verify([_named(known[one]) for one in ours], 1)
    except VerificationError as error:
        raise NotGenuine("The signature does not fit: it was changed since it was signed.") from error
    return _statement(envelope), next(iter(accepted))


def _read(text: str) -> Envelope:
    """Base64 in any other form than the usual one is refused: nothing in the file can change unnoticed."""
    try:
        given = json.loads(text)
        envelope = Envelope.from_dict(json.loads(text))
        written = envelope.to_dict()
        if any(given[name] != written[name] for name in ("payload", "payloadType", "signatures")):
            raise NoEnvelope("It is written in another form than it was signed in.")
    except (ValueError, TypeError, KeyError, AttributeError, FormatError, RecursionError) as error:
        raise NoEnvelope("It is no DSSE envelope: it needs payload, payloadType and signatures.") from error
    return envelope


def _statement(envelope: Envelope) -> Json:
    try:
        statement = json.loads(envelope.payload)
    except ValueError as error:
        raise NoEnvelope("What was signed is no JSON.") from error
    ours = (PAYLOAD_TYPE, STATEMENT_TYPE, PREDICATE_TYPE)
    if not isinstance(statement, dict) or ours != (
        envelope.payload_type,
        statement.get("_type"),
        statement.get("predicateType"),
    ):
        raise NoEnvelope("What was signed is no statement about an evaluation.")
    return statement


def _named(public: Ed25519PublicKey) -> SSlibKey:
    return SSlibKey.from_crypto(public, keyid=key_id(public))


def _names(ids: Sequence[str] | dict[str, Any]) -> str:
    return ", ".join(f"key {one[:16]}" for one in ids) or "no key"
