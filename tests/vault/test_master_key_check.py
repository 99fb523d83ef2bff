from collections.abc import Iterator

import pytest
from django.db import connection
from pydantic import SecretStr

from seatrial.control.vault.errors import UnfitMasterKey, UnprovenMasterKey, WrongMasterKey
from seatrial.control.vault.keys import MasterKey
from seatrial.control.vault.models import MasterKeyCheck
from seatrial.control.vault.services import verify_master_key

# What the release that wrote version 1 stored, with the key of 32 times 0x11.
OLD = (
    "v1.fuvHOYjSz6sJvYCXCy5nt_N3hoaDtOmXYg4IlvXyEyHXtbAawd-e8POzmTfsz-Z2SbALIBv9TrpmuIYQ.UG41w00R-Kn0FaRDiXrqiUfk-"
    "9oa_yOLwucVde9Wwa3zsR2L-VtVRoRWejWPRYRv-LKwRAgu9v-mEE4CMpG-v5tvrOqLW_S0XjssCZdhgGSK_v4="
)

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
    assert MasterKey(b"\x11" * 32).id in str(caught.value)
    assert MasterKey(b"\x22" * 32).id in str(caught.value)
    assert "22" * 8 not in str(caught.value)


def store(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM vault_masterkeycheck")
        cursor.execute("INSERT INTO vault_masterkeycheck (id, value) VALUES (1, %s)", [text])


def test_a_database_of_an_older_release_still_knows_its_key(set_key) -> None:
    store(OLD)
    set_key("11" * 32)
    verify_master_key()
    set_key("22" * 32)
    with pytest.raises(WrongMasterKey, match="not the key this database was sealed with"):
        verify_master_key()


@pytest.mark.parametrize("text", ["", "plain", OLD[:-8] + "AAAAAAA="])
def test_a_damaged_check_value_is_not_called_a_wrong_key(set_key, text: str) -> None:
    store(text)
    set_key("11" * 32)
    with pytest.raises(UnprovenMasterKey, match="Restore the database"):
        verify_master_key()


def test_a_short_key_is_refused(set_key) -> None:
    set_key("1234")
    with pytest.raises(UnfitMasterKey, match="too short"):
        verify_master_key()
