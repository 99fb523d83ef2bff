"""Re-wrapping: the data key of every secret is wrapped again, by the key that seals now.

Nothing is kept about how far it came: each envelope names its key. So whoever goes on after a crash finds what is left, and any
number of processes may do it at once.
"""

from dataclasses import dataclass
from itertools import islice

from django.db import transaction

from seatrial.control.vault.columns import Column, Counts, Stored, columns
from seatrial.control.vault.envelope import key_of, renew, seal, unseal
from seatrial.control.vault.errors import Unopenable
from seatrial.control.vault.fields import EncryptedTextField, Sealed, keys, sealing_keys
from seatrial.control.vault.keys import Keys
from seatrial.control.vault.models import MasterKeyCheck
from seatrial.control.vault.services import KNOWN_VALUE, verify_master_key


@dataclass(frozen=True)
class State:
    """`newest` is the id of the key in the settings, `sealing` of the one that seals now: another until a re-wrap has begun.

    `fallbacks`: the ids of the former keys that the settings name.
    """

    newest: str
    sealing: str
    fallbacks: tuple[str, ...]
    counts: Counts

    @property
    def total(self) -> int:
        """How many secrets there are."""
        return sum(self.counts)

    @property
    def begun(self) -> bool:
        """Whether the newest key seals."""
        return self.newest == self.sealing

    @property
    def complete(self) -> bool:
        """Whether every secret is sealed with the newest key."""
        return self.begun and not self.counts.former and not self.counts.unknown


@dataclass(frozen=True)
class Closed:
    """One value that does not open with the newest key alone."""

    column: str
    pk: str
    reason: str


@dataclass(frozen=True)
class Verified:
    """What a look at every sealed value found."""

    opened: int
    closed: tuple[Closed, ...]


def state() -> State:
    """Where the rotation of the master key stands. Nothing is opened."""
    here, sealing = keys(), sealing_keys()
    total = Counts()
    for column in columns():
        total = total.plus(column.counts(sealing))
    return State(here.current.id, sealing.current.id, tuple(here.ids[1:]), total)


@transaction.atomic
def begin() -> str:
    """Have the newest key seal from now on. Returns the id of the one that sealed before; empty if nothing changed. Idempotent.

    Raises WrongMasterKey or UnprovenMasterKey: a key that opens nothing here must not seal.
    """
    verify_master_key()
    check = MasterKeyCheck.objects.select_for_update().get()
    before = key_of(_text(check))
    here = keys()
    if before == here.current.id:
        return ""
    _write(check, here)
    return before or "v1"


@transaction.atomic
def give_up_former() -> str:
    """Have the newest key seal although the one before is lost, with all that only that one opens. Returns the lost key's id."""
    check = MasterKeyCheck.objects.select_for_update().first()
    if check is None:
        return ""
    here, before = keys(), key_of(_text(check))
    if here.find(before) is not None:
        return ""
    _write(check, here)
    return before or "v1"


def rewrap(most: int | None = None) -> int:
    """Seal what former keys sealed anew, at most `most` values, and return how many it was.

    What does not open is left as it is: `verify` says what that is. Raises StaleKeys.
    """
    here = sealing_keys()
    behind = ((column, stored) for column in columns() for stored in column.behind(here))
    renewed = (1 for column, stored in behind if _renewed(column, stored, here))
    return sum(islice(renewed, most))


def unknown(most: int) -> list[tuple[str, str]]:
    """The column and the row of secrets whose key is not here, `most` at most: where the key is lost, they are lost."""
    here = sealing_keys()
    found = ((column.name, str(one.pk)) for column in columns() for one in column.unknown(here))
    return list(islice(found, most))


def verify() -> Verified:
    """Open every sealed value with the newest key alone. Nothing of what is opened is kept."""
    alone = Keys(keys().current, variable=keys().variable)
    opened, closed = 0, []
    for column in columns():
        for stored in column.all():
            try:
                unseal(stored.text, column.identity(stored.pk), alone)
                opened += 1
            except Unopenable as error:
                closed.append(Closed(column.name, str(stored.pk), str(error)))
    return Verified(opened, tuple(closed))


def _renewed(column: Column, stored: Stored, here: Keys) -> bool:
    try:
        return column.replace(stored, renew(stored.text, column.identity(stored.pk), here))
    except Unopenable:
        return False


def _text(check: MasterKeyCheck) -> str:
    stored = check.__dict__["value"]
    return stored.text if isinstance(stored, Sealed) else ""


def _write(check: MasterKeyCheck, here: Keys) -> None:
    field = MasterKeyCheck._meta.get_field("value")
    assert isinstance(field, EncryptedTextField)
    sealed = Sealed(seal(KNOWN_VALUE, field.identity(check), here))
    MasterKeyCheck.objects.filter(pk=check.pk).update(value=sealed)
