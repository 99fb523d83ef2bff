"""REST: signed results, and the public keys to check them with."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema

from seatrial.control.accounts.access import find_visible
from seatrial.control.accounts.authentication import person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.signing import services
from seatrial.control.policies.signing.models import SigningKey
from seatrial.control.policies.signing.services import attest

router = Router(tags=["policies"])
EvaluationId = Annotated[str, Path(description="Id of an evaluation.")]
REFUSED: dict[int, Any] = {404: ErrorAnswer, 409: ErrorAnswer}


class SignatureAnswer(Schema):
    """One signature of an envelope."""

    keyid: str = Field(description="Id of the key: SHA-256 of the public key's 32 bytes, in hex.")
    sig: str = Field(description="The signature, in base64.")


class EnvelopeAnswer(Schema):
    """A DSSE envelope. `seatrial verify` checks it, without this server."""

    payload: str = Field(description="The in-toto statement, in base64.")
    payloadType: str = Field(description="application/vnd.in-toto+json.")
    signatures: list[SignatureAnswer] = Field(description="There is one.")


class KeyAnswer(Schema):
    """One public key of this installation."""

    key_id: str = Field(description="SHA-256 of the public key's 32 bytes, in hex.")
    public_key: str = Field(description="The key, as PEM.")
    current: bool = Field(description="Whether it signs now. Others signed before.")
    created_at: datetime = Field(description="Since when it is there.")
    retired_at: datetime | None = Field(description="Since when another signs; null for the current one.")


@router.get(
    "/evaluations/{evaluation_id}/attestation",
    response={200: EnvelopeAnswer, **REFUSED},
    summary="The signed results of an evaluation",
)
def get_attestation(request: HttpRequest, evaluation_id: EvaluationId) -> dict[str, Any]:
    """As they are now: signed when the evaluation ended, and again when a waiver changed them. 409 before that."""
    evaluation = find_visible(person(request), Evaluation, evaluation_id)
    return envelope_of(evaluation)


@router.get(
    "/signing-keys", response=list[KeyAnswer], auth=None, summary="Public keys that check signed results"
)
def list_signing_keys(request: HttpRequest) -> list[KeyAnswer]:
    """All that ever signed here, the newest first. No token is needed: public keys are for everybody."""
    current = services.current_key()
    return [_key(row, current) for row in SigningKey.objects.order_by("-id")]


def envelope_of(evaluation: Evaluation) -> dict[str, Any]:
    """The envelope, signed now if nobody has yet. Raises NotEnded."""
    row = attest(evaluation.pk)
    return dict(row.envelope) if row is not None else {}


def _key(row: SigningKey, current: SigningKey) -> KeyAnswer:
    return KeyAnswer(
        key_id=row.key_id,
        public_key=row.public,
        current=row.pk == current.pk,
        created_at=row.created_at,
        retired_at=row.retired_at,
    )
