"""Is this the key that sealed what the database holds?"""

from django.db import IntegrityError, transaction

from seatrial.control.vault.errors import Unopenable, WrongMasterKey
from seatrial.control.vault.fields import master_key
from seatrial.control.vault.models import MasterKeyCheck

KNOWN_VALUE = "the master key that sealed this opens every secret here"


def verify_master_key() -> None:
    """Compare GALLEY_MASTER_KEY with the key of this database; the first call on a database stores the check value.

    Raises UnfitMasterKey or WrongMasterKey. Idempotent and safe to run in several processes at once.
    """
    master_key()
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
    except Unopenable as error:
        raise WrongMasterKey(
            "GALLEY_MASTER_KEY is not the key this database was sealed with: stored secrets cannot be opened. "
            "Set the key that was backed up with this database, or restore the database that belongs to this key."
        ) from error
    if opened != KNOWN_VALUE:
        raise WrongMasterKey(
            "The master key check value of this database is not ours. Restore it from a backup."
        )
