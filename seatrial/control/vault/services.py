"""Checks that the master key is the one that sealed this database's secrets."""

from django.db import IntegrityError, transaction

from seatrial.control.vault.errors import UnknownKey, Unopenable, UnprovenMasterKey, WrongKey, WrongMasterKey
from seatrial.control.vault.fields import keys
from seatrial.control.vault.models import MasterKeyCheck

KNOWN_VALUE = "the master key that sealed this opens every secret here"
UNPROVEN = (
    "The value to check the master key with was changed in this database. Restore the database from a backup."
)


def verify_master_key() -> None:
    """Compare GALLEY_MASTER_KEY with the key of this database; the first call on a database stores the check value.

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
        which = f" It was {error.key_id}, this is {here.current.id}." if isinstance(error, UnknownKey) else ""
        raise WrongMasterKey(
            "GALLEY_MASTER_KEY is not the key this database was sealed with: stored secrets cannot be "
            f"opened.{which} Set the key that was backed up with this database, or restore the database that "
            "belongs to this key."
        ) from error
    except Unopenable as error:
        raise UnprovenMasterKey(f"{UNPROVEN} ({error})") from error
    if opened != KNOWN_VALUE:
        raise UnprovenMasterKey(UNPROVEN)
