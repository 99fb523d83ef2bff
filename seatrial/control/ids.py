"""Primary keys: ULIDs, unique and sorted by the time they were made."""

from typing import Any

from django.db import models

from seatrial.wire.envelope import new_id


class UlidField(models.CharField):  # type: ignore[type-arg]
    """A 26-character ULID primary key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"primary_key": True, "max_length": 26, "default": new_id, "editable": False, **kwargs}
        )
