"""The encrypted model field. Every stored secret uses it."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from seatrial.control.vault.envelope import Identity, seal, unseal
from seatrial.control.vault.errors import WithoutRow
from seatrial.control.vault.keys import Keys, MasterKey


class Sealed:
    """A ciphertext as the database holds it. Never shows what it holds."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "<sealed>"


def keys() -> Keys:
    """The keys of this process, from its settings. Raises UnfitMasterKey."""
    return Keys(MasterKey.parse(settings.CONFIGURATION.galley_master_key.get_secret_value()))


class _EncryptedAttribute(DeferredAttribute):
    """Opens the value when it is read: a row that is only listed is never decrypted."""

    field: "EncryptedTextField"

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is None or not isinstance(value, Sealed):
            return value
        return unseal(value.text, self.field.identity(instance), keys())

    # With `__set__` the descriptor comes before the instance's own dictionary.
    def __set__(self, instance: models.Model, value: str | Sealed | None) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is sealed in the database and plain on the instance, and in neither a repr nor a log.

    Bound to its row: the primary key must exist before the first save (ULIDs do), and `QuerySet.update` or a filter
    on it is refused, because neither knows the row. The empty string is stored as it is: it says "no secret".
    """

    descriptor_class = _EncryptedAttribute

    def identity(self, instance: models.Model) -> Identity:
        """Where this field's value of `instance` is valid."""
        if instance.pk is None:
            raise WithoutRow(
                f"{self.model._meta.label}.{self.name}: the row needs its primary key before a secret"
            )
        return Identity(self.model._meta.db_table, str(self.column), str(instance.pk))

    def from_db_value(self, value: str | None, *_: object) -> str | Sealed | None:
        """Ciphertext stays closed until the attribute is read."""
        return Sealed(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Seal what was set since the row was read; what was not touched is written back as it was."""
        value = model_instance.__dict__.get(self.attname)
        if value and not isinstance(value, Sealed):
            value = Sealed(seal(str(value), self.identity(model_instance), keys()))
            model_instance.__dict__[self.attname] = value
        return value

    def get_prep_value(self, value: Any) -> Any:
        """Only sealed values reach the database."""
        if isinstance(value, Sealed):
            return value.text
        if value:
            raise WithoutRow(
                f"{self.model._meta.label}.{self.name} is encrypted: set it on an instance and save that"
            )
        return value

    def value_to_string(self, obj: models.Model) -> str:
        """Serialised (dumpdata) as the database holds it."""
        value = self.pre_save(obj, add=False)
        return value.text if isinstance(value, Sealed) else str(value or "")
