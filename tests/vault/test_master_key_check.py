from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from seatrial.control.vault.errors import UnfitMasterKey, WrongMasterKey
from seatrial.control.vault.models import MasterKeyCheck
from seatrial.control.vault.services import verify_master_key

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def set_key(settings) -> Iterator[object]:
    before = settings.CONFIGURATION

    def change(text: str) -> None:
        settings.CONFIGURATION = before.model_copy(update={"galley_master_key": SecretStr(text)})

    yield change


def test_the_first_key_is_the_key_of_the_database(set_key) -> None:
    set_key("11" * 32)
    verify_master_key()
    verify_master_key()
    assert MasterKeyCheck.objects.count() == 1


def test_another_key_is_found_at_start_and_named(set_key) -> None:
    set_key("11" * 32)
    verify_master_key()
    set_key("22" * 32)
    with pytest.raises(WrongMasterKey, match="not the key this database was sealed with") as caught:
        verify_master_key()
    assert "22" * 8 not in str(caught.value)


def test_a_short_key_is_refused(set_key) -> None:
    set_key("1234")
    with pytest.raises(UnfitMasterKey, match="too short"):
        verify_master_key()
