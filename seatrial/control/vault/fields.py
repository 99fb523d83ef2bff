"""The encrypted model field. Every stored secret uses it."""

from typing import Any

from django.db import models


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text sealed at rest. Placeholder until `vault.envelope` lands in this same change."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
