from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.control.vault.envelope import Identity, seal, unseal
from seatrial.control.vault.errors import Unopenable
from seatrial.control.vault.keys import MasterKey

MASTER = MasterKey(b"m" * 32)
HERE = Identity("projects_connection", "webhook_secret", "01J")


@given(st.text())
def test_what_is_sealed_opens(plain: str) -> None:
    assert unseal(seal(plain, HERE, MASTER), HERE, MASTER) == plain


def test_the_same_text_never_seals_the_same() -> None:
    assert seal("x", HERE, MASTER) != seal("x", HERE, MASTER)


@pytest.mark.parametrize("other", [{"table": "t"}, {"column": "c"}, {"pk": "02J"}])
def test_it_opens_nowhere_else(other: dict[str, str]) -> None:
    with pytest.raises(Unopenable):
        unseal(seal("secret", HERE, MASTER), replace(HERE, **other), MASTER)


def test_identities_do_not_run_into_each_other() -> None:
    assert Identity("a", "bc", "d").associated("key") != Identity("ab", "c", "d").associated("key")


def test_another_master_key_does_not_open_it() -> None:
    with pytest.raises(Unopenable, match="GALLEY_MASTER_KEY"):
        unseal(seal("secret", HERE, MASTER), HERE, MasterKey(b"n" * 32))


@given(st.data())
def test_any_damage_is_noticed_and_named_without_the_secret(data: st.DataObject) -> None:
    sealed = seal("the secret!", HERE, MASTER)
    place = data.draw(st.integers(0, len(sealed) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019_-.=!é"))
    damaged = sealed[:place] + letter + sealed[place + 1 :]
    if damaged == sealed:
        return
    with pytest.raises(Unopenable) as caught:
        unseal(damaged, HERE, MASTER)
    assert "the secret!" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "v1", "v1.", "v1..", "v2.a.b", "plain text", "v1.AAAA.AAAA"])
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    with pytest.raises(Unopenable):
        unseal(text, HERE, MASTER)
