"""The key of this installation, and signing what became of evaluations."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.policies.errors import NotEnded
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.signing.models import Attestation, SigningKey
from seatrial.control.policies.signing.statement import statement
from seatrial.signed.envelope import sign
from seatrial.signed.keys import new_key, private_key
from seatrial.wire.digests import digest_of
from seatrial.wire.states import EvaluationState


def current_key() -> SigningKey:
    """The key that signs now; the first call makes it. Any number of processes may call it at once."""
    found = SigningKey.objects.filter(retired_at=None).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            return _make()
    except IntegrityError:  # another process was first
        return SigningKey.objects.get(retired_at=None)


@transaction.atomic
def rotate(*, by: Actor) -> SigningKey:
    """From now on another key signs. The private half of the old one is deleted; what it signed can be checked as before."""
    old = SigningKey.objects.select_for_update().filter(retired_at=None).first()
    if old is not None:
        old.private, old.retired_at = "", timezone.now()
        old.save()
    made = _make()
    audit.record("signing_key.rotate", f"signing_key/{made.pk}", by=by, details={"key_id": made.key_id})
    return made


def attest(evaluation_id: str) -> Attestation | None:
    """Sign the results of an evaluation as they are, unless that was done already; None if it is gone.

    What is signed is what the rows say at one moment: the evaluation's row is locked, and whoever changes a result locks it
    too. Idempotent. Raises NotEnded.
    """
    key = current_key()
    with transaction.atomic():
        rows = Evaluation.objects.select_for_update(of=("self",), no_key=True).select_related("project")
        evaluation = rows.filter(pk=evaluation_id).first()
        if evaluation is None:
            return None
        if not EvaluationState(evaluation.state).terminal:
            raise NotEnded("The evaluation has not ended. It is signed once it has a verdict.")
        said = statement(evaluation)
        known = Attestation.objects.filter(evaluation=evaluation).first()
        if known is not None and known.statement_digest == digest_of(said):
            return known
        return _signed(evaluation, said, key, timezone.now())


def _signed(evaluation: Evaluation, said: dict[str, object], key: SigningKey, now: datetime) -> Attestation:
    predicate = said["predicate"]
    assert isinstance(predicate, dict)
    dated = {**said, "predicate": {**predicate, "signedAt": now.isoformat()}}
    row, _ = Attestation.objects.update_or_create(
        evaluation=evaluation,
        defaults={
            "key": key,
            "statement_digest": digest_of(said),
            "envelope": sign(dated, private_key(key.private)),
            "signed_at": now,
        },
    )
    return row


def _make() -> SigningKey:
    made = new_key()
    row = SigningKey(key_id=made.id, public=made.public, private=made.private)
    row.save(force_insert=True)
    return row
