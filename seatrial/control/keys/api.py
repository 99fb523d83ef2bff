"""REST: the keys of this server, and rotating those that no other place rotates."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Field, Router, Schema

from seatrial.control.accounts.access import Action, require
from seatrial.control.accounts.authentication import actor, person
from seatrial.control.answers import ErrorAnswer
from seatrial.control.keys import services
from seatrial.control.keys.overview import Row, overview
from seatrial.control.keys.reentry import reentries
from seatrial.control.policies.signing import services as signing
from seatrial.control.vault import rewrapping

router = Router(tags=["keys"])
SHOWN = 200


class KeyKindAnswer(Schema):
    """One kind of key."""

    kind: str = Field(description="What it is, as docs/json.md lists them.")
    name: str = Field(description="What people call it.")
    purpose: str = Field(description="What it is for, for people.")
    how: str = Field(description="How it is rotated, for people.")
    command: str = Field(description="The command that rotates it.")
    page: str = Field(description="The path of the page that rotates it; empty where that is /keys.")
    count: int | None = Field(description="How many are valid; null where there is one.")
    rotated_at: datetime | None = Field(
        description="When one was rotated or made last; null if the audit log does not know."
    )


class LostAnswer(Schema):
    """A secret that no key here opens."""

    what: str = Field(description="What it is, for people.")
    how: str = Field(description="How it comes back, for people.")
    page: str = Field(description="The path of the page for that; empty if there is none.")


class MasterKeyAnswer(Schema):
    """Where the rotation of the master key stands."""

    newest: str = Field(description="Id of the key in the settings.")
    sealing: str = Field(description="Id of the key that seals now: another one until a re-wrap begins.")
    fallbacks: list[str] = Field(description="Ids of the former keys in the settings.")
    rewrapped: int = Field(description="Secrets that the key in `sealing` sealed.")
    behind: int = Field(description="Secrets that a former key sealed.")
    unknown: int = Field(description="Secrets whose key is not here.")
    complete: bool = Field(description="Whether the newest key sealed every secret.")


class KeysAnswer(Schema):
    """Every key of this server. No key itself."""

    master_key: MasterKeyAnswer = Field(description="Where its rotation stands.")
    keys: list[KeyKindAnswer] = Field(description="One for each kind.")
    lost: list[LostAnswer] = Field(description="Secrets whose key is not here, at most 200.")


class ClosedAnswer(Schema):
    """A secret that does not open with the newest master key alone."""

    column: str = Field(description="App, model and field.")
    row: str = Field(description="Primary key of its row.")
    reason: str = Field(description="Why, for people.")


class VerifiedAnswer(Schema):
    """What a look at every stored secret found."""

    opened: int = Field(description="How many the newest master key opens.")
    failed: int = Field(description="How many it does not.")
    closed: list[ClosedAnswer] = Field(description="Those that it does not open, at most 200.")


class SigningKeyRotated(Schema):
    """The key that signs results from now on."""

    key_id: str = Field(description="SHA-256 of the public key's 32 bytes, in hex.")


@router.get("/keys", response={200: KeysAnswer, 403: ErrorAnswer}, summary="Every key of this server")
def list_keys(request: HttpRequest) -> KeysAnswer:
    """What each kind is for, when one was rotated last, and how to. It takes the instance admin."""
    require(person(request), Action.MANAGE_KEYS, None)
    lost = [LostAnswer(what=one.what, how=one.how, page=one.path) for one in reentries()]
    return KeysAnswer(master_key=_master_key(), keys=[_kind(row) for row in overview()], lost=lost)


@router.post(
    "/keys/master-key/rewrap",
    response={200: MasterKeyAnswer, 403: ErrorAnswer},
    summary="Re-wrap every secret",
)
def rewrap(request: HttpRequest) -> MasterKeyAnswer:
    """Have the newest master key seal from now on. A worker seals anew what former keys sealed. Idempotent."""
    require(person(request), Action.MANAGE_KEYS, None)
    services.begin_rewrap(by=actor(request))
    return _master_key()


@router.post(
    "/keys/master-key/verify", response={200: VerifiedAnswer, 403: ErrorAnswer}, summary="Open every secret"
)
def verify(request: HttpRequest) -> VerifiedAnswer:
    """Whether the newest master key alone opens every stored secret: then former ones may go."""
    require(person(request), Action.MANAGE_KEYS, None)
    found = rewrapping.verify()
    closed = [ClosedAnswer(column=one.column, row=one.pk, reason=one.reason) for one in found.closed[:SHOWN]]
    return VerifiedAnswer(opened=found.opened, failed=len(found.closed), closed=closed)


@router.post(
    "/keys/signing-key/rotate",
    response={200: SigningKeyRotated, 403: ErrorAnswer},
    summary="Rotate the key of signed results",
)
def rotate_signing_key(request: HttpRequest) -> SigningKeyRotated:
    """Another key signs from now on. What the former one signed can be checked as before."""
    require(person(request), Action.MANAGE_KEYS, None)
    return SigningKeyRotated(key_id=signing.rotate(by=actor(request)).key_id)


def _master_key() -> MasterKeyAnswer:
    now = rewrapping.state()
    return MasterKeyAnswer(
        newest=now.newest,
        sealing=now.sealing,
        fallbacks=list(now.fallbacks),
        rewrapped=now.counts.current,
        behind=now.counts.former,
        unknown=now.counts.unknown,
        complete=now.complete,
    )


def _kind(row: Row) -> KeyKindAnswer:
    about = row.about
    return KeyKindAnswer(
        kind=row.kind,
        name=about.name,
        purpose=about.purpose,
        how=about.how,
        command=about.command,
        page=row.path,
        count=row.count,
        rotated_at=row.rotated_at,
    )
