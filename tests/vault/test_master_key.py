import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.control.vault.errors import UnfitMasterKey
from seatrial.control.vault.keys import Keys, MasterKey

KEY = bytes(range(32))


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        f"  {KEY.hex()}\n",
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode(),
        base64.b64encode(KEY).decode().rstrip("="),
    ],
)
def test_hex_and_base64_are_the_same_key(text: str) -> None:
    assert MasterKey.parse(text).value == KEY


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not set"),
        ("   ", "is not set"),
        (KEY[:16].hex(), "too short: it decodes to 16 bytes"),
        (base64.b64encode(KEY[:31]).decode(), "too short: it decodes to 31 bytes"),
        ((KEY * 2).hex(), "too long: it decodes to 64 bytes"),
        ("not a key at all!", "neither hex nor base64"),
        ("ключ", "neither hex nor base64"),
    ],
)
def test_an_unfit_key_is_refused_with_the_fix_and_without_the_key(text: str, problem: str) -> None:
    with pytest.raises(UnfitMasterKey, match=problem) as caught:
        MasterKey.parse(text)
    assert "openssl rand -hex 32" in str(caught.value)
    if text.strip():
        assert text not in str(caught.value)


@given(st.text())
def test_any_text_is_a_key_or_a_clear_refusal(text: str) -> None:
    try:
        assert len(MasterKey.parse(text).value) == 32
    except UnfitMasterKey as error:
        assert "GALLEY_MASTER_KEY" in str(error)


def test_a_key_does_not_show_in_its_repr() -> None:
    assert repr(MasterKey(KEY)) == "MasterKey()"


def test_a_key_id_distinguishes_keys_and_is_not_part_of_them() -> None:
    other = MasterKey(KEY[::-1])
    assert MasterKey(KEY).id == MasterKey(KEY).id != other.id
    assert len(other.id) == 16
    assert bytes.fromhex(other.id) not in other.value
    assert other.id != hashlib.sha256(other.value).hexdigest()[:16]


def test_keys_are_found_by_their_id_and_only_the_first_seals() -> None:
    current, former = MasterKey(KEY), MasterKey(KEY[::-1])
    keys = Keys(current, former)
    assert keys.current is current
    assert keys.ids == [current.id, former.id]
    assert keys.find(former.id) is former
    assert keys.find("0" * 16) is None
