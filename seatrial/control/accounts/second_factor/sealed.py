"""What allauth keeps of second factors, as the vault's column: sealed texts inside a JSON document."""

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from seatrial.control.accounts.second_factor.adapter import PLACE
from seatrial.control.vault.columns import Counts, Stored
from seatrial.control.vault.envelope import Identity, key_of
from seatrial.control.vault.keys import Keys

SEALED = ("secret", "seed", "migrated_codes")  # of apps, of recovery codes, of codes that came from elsewhere
CHUNK = 200


class SecondFactorColumn:
    """Every text that `SecondFactors.encrypt` made."""

    name = "mfa.Authenticator.data"

    def counts(self, keys: Keys) -> Counts:
        """One by one: there are a few of each person."""
        by = [key_of(stored.text) for stored in self.all()]
        former = sum(one in keys.ids[1:] or not one for one in by)
        current = by.count(keys.current.id)
        return Counts(current, former, len(by) - current - former)

    def behind(self, keys: Keys) -> Iterator[Stored]:
        """Those that another key than the current one sealed, if it is here."""
        former = {*keys.ids[1:], ""}
        return (stored for stored in self.all() if key_of(stored.text) in former)

    def unknown(self, keys: Keys) -> Iterator[Stored]:
        """Those whose key is not here."""
        known = {*keys.ids, ""}
        return (stored for stored in self.all() if key_of(stored.text) not in known)

    def all(self) -> Iterator[Stored]:
        """Of every person."""
        for pk, data in Authenticator.objects.order_by("pk").values_list("pk", "data").iterator(CHUNK):
            yield from (Stored(str(pk), text) for text in _texts(data))

    def identity(self, pk: str) -> Identity:
        """All rows share one."""
        return PLACE

    @transaction.atomic
    def replace(self, stored: Stored, text: str) -> bool:
        """In the row's document as it is now."""
        row = Authenticator.objects.select_for_update().filter(pk=stored.pk).first()
        if row is None or stored.text not in _texts(row.data):
            return False
        row.data = {name: _exchanged(value, stored.text, text) for name, value in row.data.items()}
        row.save(update_fields=["data"])
        return True


def _texts(data: dict[str, Any]) -> list[str]:
    found = [data.get(name, []) for name in SEALED]
    return [text for one in found for text in (one if isinstance(one, list) else [one])]


def _exchanged(value: object, before: str, after: str) -> object:
    if isinstance(value, list):
        return [_exchanged(one, before, after) for one in value]
    return after if value == before else value
