"""A server whose master key is rotated."""

from collections.abc import Callable

import pytest
from pydantic import SecretStr

from seatrial.control.vault.keys import MasterKey
from seatrial.control.vault.models import MasterKeyCheck
from seatrial.control.vault.services import verify_master_key

OLD, NEW, NEWER = "11" * 32, "22" * 32, "33" * 32
OLD_ID, NEW_ID = (MasterKey.parse(key).id for key in (OLD, NEW))
Use = Callable[..., None]


@pytest.fixture
def use(settings, db) -> Use:
    """Goes on as a process that was started with this master key, and with these fallbacks; at first with a new database."""
    MasterKeyCheck.objects.all().delete()

    def start(key: str, *fallbacks: str, variable: str = "galley_master_key") -> None:
        none = {"galley_master_key": SecretStr(""), "gitgrit_encryption_key": SecretStr("")}
        former = {"galley_master_key_fallbacks": SecretStr(",".join(fallbacks))}
        settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
            update={**none, **former, variable: SecretStr(key)}
        )
        verify_master_key()

    return start
