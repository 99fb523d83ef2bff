"""The encrypted model field. Every stored secret uses it."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from seatrial.control.configuration import present_secret
from seatrial.control.vault.envelope import Identity, key_of, seal, unseal
from seatrial.control.vault.errors import StaleKeys, WithoutRow
from seatrial.control.vault.keys import FALLBACKS, Keys


class Sealed:
    """A ciphertext as the database holds it. Its repr does not show it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return "<sealed>"


def keys() -> Keys:
    """The keys of this process, from its settings, the newest first. Raises UnfitMasterKey.

    Where a setting names a file, it is read each time, so that a rotation reaches a process that runs.
    """
    configuration = settings.CONFIGURATION
    given = {
        "GALLEY_MASTER_KEY": configuration.galley_master_key,
        "GITGRIT_ENCRYPTION_KEY": configuration.gitgrit_encryption_key,
    }
    former = present_secret(FALLBACKS, configuration.galley_master_key_fallbacks)
    return Keys.from_variables({name: present_secret(name, key) for name, key in given.items()}, former)


def sealing_keys() -> Keys:
    """The keys of this process, led by the one that secrets are sealed with now: that of the database's check value.

    So another key seals only once somebody has begun to re-wrap, when every process has both. Raises UnfitMasterKey, StaleKeys.
    """
    here = keys()
    checks = apps.get_model("vault", "MasterKeyCheck").objects.values_list("value", flat=True)
    check = checks.first()
    key_id = key_of(check.text) if check is not None else ""
    if not key_id:  # a new database, or version 1
        return here
    key = here.find(key_id)
    if key is None:
        raise StaleKeys(key_id, here.variable)
    return here.led_by(key)


class _EncryptedAttribute(DeferredAttribute):
    """Decrypts the value only when the attribute is read, so not for rows that are only listed."""

    field: "EncryptedTextField"

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is None or not isinstance(value, Sealed):
            return value
        return unseal(value.text, self.field.identity(instance), keys())

    # Having `__set__` makes Python ask this descriptor before the instance's own dictionary.
    def __set__(self, instance: models.Model, value: str | Sealed | None) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is sealed in the database and plain on the instance, and in neither a repr nor a log.

    The value is bound to its row, so the primary key must exist before the first save (ULIDs do). `QuerySet.update` and
    filters on the field are refused, because they do not know the row. The empty string is stored as it is and means
    "no secret".
    """

    descriptor_class = _EncryptedAttribute

    def identity(self, instance: models.Model) -> Identity:
        """The identity for which this field's value of `instance` is sealed."""
        if instance.pk is None:
            raise WithoutRow(
                f"{self.model._meta.label}.{self.name}: the row needs its primary key before a secret"
            )
        return Identity(self.model._meta.db_table, str(self.column), str(instance.pk))

    def from_db_value(self, value: str | None, *_: object) -> str | Sealed | None:
        """Keep the ciphertext sealed until the attribute is read."""
        return Sealed(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Seal a value that was set since the row was read; an unchanged one is written back as it was."""
        value = model_instance.__dict__.get(self.attname)
        if value and not isinstance(value, Sealed):
            value = Sealed(seal(str(value), self.identity(model_instance), sealing_keys()))
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
