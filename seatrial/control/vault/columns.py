"""Where sealed values are: every encrypted field of every app, and what apps seal elsewhere."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from django.apps import apps
from django.db import models
from django.db.models import Q

from seatrial.control.vault.envelope import Identity, sealed_by
from seatrial.control.vault.fields import EncryptedTextField, Sealed
from seatrial.control.vault.keys import Keys

BATCH = 200


class Stored(NamedTuple):
    """One sealed value as the database holds it, and its row's primary key."""

    pk: str
    text: str


class Counts(NamedTuple):
    """How many values there are by the key that sealed them: the current one, a former one, one that is not here."""

    current: int = 0
    former: int = 0
    unknown: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(*(ours + theirs for ours, theirs in zip(self, other, strict=True)))


class Column(Protocol):
    """Sealed values of one kind. `name` is stable: app, model and field."""

    name: str

    def counts(self, keys: Keys) -> Counts:
        """Without opening any."""
        ...

    def behind(self, keys: Keys) -> Iterator[Stored]:
        """Those that a former key sealed, and those that name no key, read in batches."""
        ...

    def unknown(self, keys: Keys) -> Iterator[Stored]:
        """Those that none of the keys sealed, read in batches."""
        ...

    def all(self) -> Iterator[Stored]:
        """Every value, read in batches."""
        ...

    def identity(self, pk: str) -> Identity:
        """For what the value of this row is sealed."""
        ...

    def replace(self, stored: Stored, text: str) -> bool:
        """Write `text` in place of `stored`. False if somebody wrote another value meanwhile, or the row is gone."""
        ...


class FieldColumn:
    """The values of an EncryptedTextField."""

    def __init__(self, field: EncryptedTextField) -> None:
        self._field = field
        self._rows: models.QuerySet[Any] = field.model._base_manager.exclude(**{field.name: ""}).exclude(
            **{field.name: None}
        )
        self.name = f"{field.model._meta.label}.{field.name}"

    def counts(self, keys: Keys) -> Counts:
        """In one query."""
        found = self._rows.aggregate(
            current=models.Count("pk", filter=self._is_current(keys)),
            former=models.Count("pk", filter=self._is_behind(keys)),
            all=models.Count("pk"),
        )
        return Counts(found["current"], found["former"], found["all"] - found["current"] - found["former"])

    def behind(self, keys: Keys) -> Iterator[Stored]:
        """In the order of primary keys."""
        return self._batched(self._rows.filter(self._is_behind(keys)))

    def unknown(self, keys: Keys) -> Iterator[Stored]:
        """In the order of primary keys."""
        return self._batched(self._rows.exclude(self._is_current(keys) | self._is_behind(keys)))

    def all(self) -> Iterator[Stored]:
        """In the order of primary keys."""
        return self._batched(self._rows)

    def identity(self, pk: str) -> Identity:
        """As the field seals for a row."""
        return self._field.identity(self._field.model(pk=pk))

    def replace(self, stored: Stored, text: str) -> bool:
        """In one statement."""
        name = self._field.name
        rows = self._rows.filter(pk=stored.pk, **{name: Sealed(stored.text)})
        return bool(rows.update(**{name: Sealed(text)}))

    def _is_current(self, keys: Keys) -> Q:
        return Q(**{f"{self._field.name}__startswith": sealed_by(keys.current.id)})

    def _is_behind(self, keys: Keys) -> Q:
        wanted = Q(**{f"{self._field.name}__startswith": "v1."})
        for key_id in keys.ids[1:]:
            wanted |= Q(**{f"{self._field.name}__startswith": sealed_by(key_id)})
        return wanted

    def _batched(self, rows: "models.QuerySet[Any]") -> Iterator[Stored]:
        rows = rows.order_by("pk")
        found = list(rows.values_list("pk", self._field.name)[:BATCH])
        while found:
            yield from (Stored(pk, sealed.text) for pk, sealed in found)
            found = list(rows.filter(pk__gt=found[-1][0]).values_list("pk", self._field.name)[:BATCH])


_others: list[Column] = []


def register(column: Column) -> None:
    """For an app that seals what is not in a field of its own. Called once, when the app is ready."""
    _others.append(column)


def columns() -> list[Column]:
    """Of all installed apps."""
    found = [
        FieldColumn(field)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, EncryptedTextField)
    ]
    return [*found, *_others]
