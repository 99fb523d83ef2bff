"""What somebody carries: a device with passkeys, and an authenticator app."""

import json
import re
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.http import HttpResponse
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

PRESENT_AND_VERIFIED = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV


def options_of(answer: HttpResponse) -> dict[str, Any]:
    """What a page asks the device for."""
    found = re.search(r'<script id="js_data" type="application/json">(.*?)</script>', answer.content.decode())
    assert found
    (options,) = json.loads(found[1]).values()
    return options["publicKey"]


class Device:
    """`origin` is the page that the browser shows; the browser writes it into every answer."""

    def __init__(self, origin: str, host: str = "localhost") -> None:
        self.origin, self.host = origin, host
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = b"passkey-of-a-test"
        self.owner = ""
        self._count = 0

    def make(self, options: dict[str, Any]) -> str:
        """A new passkey, as the form sends it."""
        self.owner = options["user"]["id"]
        seen = self._seen("webauthn.create", options)
        key = ES256.from_cryptography_key(self._key.public_key())
        attested = AttestedCredentialData.create(Aaguid(b"\0" * 16), self._id, key)
        flags = PRESENT_AND_VERIFIED | AuthenticatorData.FLAG.AT
        data = AuthenticatorData.create(sha256(self.host.encode()), flags, 0, attested)
        response = {
            "clientDataJSON": websafe_encode(seen),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        }
        return self._answer(response, {"credProps": {"rk": True}})

    def prove(self, options: dict[str, Any]) -> str:
        """That its owner is here."""
        self._count += 1
        seen = self._seen("webauthn.get", options)
        data = AuthenticatorData.create(sha256(self.host.encode()), PRESENT_AND_VERIFIED, self._count)
        signature = self._key.sign(bytes(data) + seen.hash, ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": websafe_encode(seen),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": self.owner,
        }
        return self._answer(response, {})

    def _seen(self, kind: str, options: dict[str, Any]) -> CollectedClientData:
        return CollectedClientData.create(type=kind, challenge=options["challenge"], origin=self.origin)

    def _answer(self, response: dict[str, str], extensions: dict[str, Any]) -> str:
        number = websafe_encode(self._id)
        return json.dumps({"id": number, "rawId": number, "type": "public-key", "response": response,
                           "clientExtensionResults": extensions})  # fmt: skip


def code(secret: str, step: int) -> str:
    """What the app shows in that step of thirty seconds."""
    return format_hotp_value(hotp_value(secret, step))
