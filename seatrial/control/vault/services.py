"""Checks that the master key is the one that sealed this database's secrets."""

from django.db import IntegrityError, transaction

from seatrial.control.vault.errors import UnknownKey, Unopenable, UnprovenMasterKey, WrongKey, WrongMasterKey
from seatrial.control.vault.fields import keys
from seatrial.control.vault.keys import Keys
from seatrial.control.vault.models import MasterKeyCheck

KNOWN_VALUE = "the master key that sealed this opens every secret here"
UNPROVEN = (
    "The value to check the master key with was changed in this database. Restore the database from a backup."
)


def verify_master_key() -> None:
    """Compare the master key with the key of this database; the first call on a database stores the check value.

    Raises UnfitMasterKey, WrongMasterKey or UnprovenMasterKey. Idempotent and safe to run in several processes at once.
    """
    here = keys()
    check = MasterKeyCheck.objects.first()
    if check is None:
        try:
            with transaction.atomic():
                MasterKeyCheck(value=KNOWN_VALUE).save(force_insert=True)
            return
        except IntegrityError:  # another process was first, perhaps with another key
            check = MasterKeyCheck.objects.get()
    try:
        opened = check.value
    except (UnknownKey, WrongKey) as error:
        sealed_with = error.key_id if isinstance(error, UnknownKey) else ""
        raise WrongMasterKey(_wrong(here, sealed_with), sealed_with=sealed_with) from error
    except Unopenable as error:
        raise UnprovenMasterKey(f"{UNPROVEN} ({error})") from error
    if opened != KNOWN_VALUE:
        raise UnprovenMasterKey(UNPROVEN)


def _wrong(here: Keys, sealed_with: str) -> str:
    which = f" (that was {sealed_with}, this is {here.current.id})" if sealed_with else ""
    return (
        f"Encryption key must match: {here.variable} is not the key this database was sealed with{which}. Without that key, "
        "everything sealed stays unreadable: the tokens, private keys and webhook secrets of connections to code hosts, variables of previews. Nothing "
        f"was changed. Set {here.variable} to the key that was kept with this database or its backup, or restore the database "
        "that belongs to this key."
    )
