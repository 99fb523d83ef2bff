from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.control.vault.envelope import Identity, seal, unseal
from seatrial.control.vault.errors import Damaged, NotSealed, UnknownKey, Unopenable, WrongKey, WrongRow
from seatrial.control.vault.keys import Keys, MasterKey

OURS = MasterKey(b"m" * 32)
NEXT = MasterKey(b"n" * 32)
KEYS = Keys(OURS)
HERE = Identity("projects_connection", "webhook_secret", "01J")
# "sealed long ago" for HERE with OURS, by the release that wrote version 1.
FIRST = (
    "v1.mp7JtHAJ-BLR64tDs78spwBYvyiP7ba9ZVhTbvyazL_j7jqIX4nfEkVeZR1VxprZj2XkQ27TjfX33hfQ"
    ".aE2k9n-BL2J-RcSeGmy6PKzRXUE2WI5k2H1AjFe2c3XNP9JRGyC2NrP_8Q=="
)


@given(st.text())
def test_what_is_sealed_opens(plain: str) -> None:
    assert unseal(seal(plain, HERE, KEYS), HERE, KEYS) == plain


def test_the_same_text_never_seals_the_same() -> None:
    assert seal("x", HERE, KEYS) != seal("x", HERE, KEYS)


@pytest.mark.parametrize("other", [{"table": "t"}, {"column": "c"}, {"pk": "02J"}])
def test_it_opens_nowhere_else(other: dict[str, str]) -> None:
    elsewhere = replace(HERE, **other)
    with pytest.raises(WrongRow, match="sealed for another row"):
        unseal(seal("secret", HERE, KEYS), elsewhere, KEYS)
    with pytest.raises(WrongKey, match="or moved"):
        unseal(FIRST, elsewhere, KEYS)


def test_a_forged_place_does_not_move_it() -> None:
    elsewhere = replace(HERE, pk="02J")
    moved = seal("secret", HERE, KEYS).replace(HERE.place, elsewhere.place)
    with pytest.raises(Damaged):
        unseal(moved, elsewhere, KEYS)


def test_identities_do_not_run_into_each_other() -> None:
    one, other = Identity("a", "bc", "d"), Identity("ab", "c", "d")
    assert one.associated("v2", "key") != other.associated("v2", "key")
    assert one.place != other.place


def test_it_names_the_key_that_wrapped_it() -> None:
    assert seal("secret", HERE, KEYS).split(".")[:2] == ["v2", OURS.id]


def test_a_former_key_opens_what_it_sealed_and_the_current_one_seals() -> None:
    both = Keys(NEXT, OURS)
    assert unseal(seal("secret", HERE, KEYS), HERE, both) == "secret"
    assert unseal(FIRST, HERE, both) == "sealed long ago"
    assert unseal(seal("secret", HERE, both), HERE, Keys(NEXT)) == "secret"


def test_a_key_that_is_not_here_is_named() -> None:
    with pytest.raises(UnknownKey, match=f"{OURS.id}, and there is only {NEXT.id}.*GALLEY_MASTER_KEY"):
        unseal(seal("secret", HERE, KEYS), HERE, Keys(NEXT))


def test_a_forged_key_id_does_not_pass() -> None:
    sealed = seal("secret", HERE, KEYS).replace(OURS.id, NEXT.id)
    with pytest.raises(Damaged):
        unseal(sealed, HERE, Keys(OURS, NEXT))


def test_the_key_id_is_authenticated() -> None:
    """Also where the same key went by the other id."""
    twin = MasterKey(OURS.value)
    twin.__dict__["id"] = NEXT.id
    with pytest.raises(Damaged):
        unseal(seal("secret", HERE, KEYS).replace(OURS.id, NEXT.id), HERE, Keys(twin))


def test_version_1_still_opens() -> None:
    assert unseal(FIRST, HERE, KEYS) == "sealed long ago"


def test_version_1_under_another_key_says_so() -> None:
    with pytest.raises(WrongKey, match="GALLEY_MASTER_KEY"):
        unseal(FIRST, HERE, Keys(NEXT))


def test_a_damaged_value_is_called_damaged() -> None:
    for sealed in (seal("secret", HERE, KEYS), FIRST):
        with pytest.raises(Damaged, match="Restore the row"):
            unseal(sealed[:-6] + "AAAAAA", HERE, KEYS)


@pytest.mark.parametrize("which", ["v1", "v2"])
@given(data=st.data())
def test_any_damage_is_noticed_and_named_without_the_secret(which: str, data: st.DataObject) -> None:
    sealed = FIRST if which == "v1" else seal("sealed long ago", HERE, KEYS)
    place = data.draw(st.integers(0, len(sealed) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019_-.=!é"))
    damaged = sealed[:place] + letter + sealed[place + 1 :]
    if damaged == sealed:
        return
    with pytest.raises(Unopenable) as caught:
        unseal(damaged, HERE, KEYS)
    assert "sealed long ago" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "plain text", "v3.a.b", "v0.a.b.c.d"])
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    with pytest.raises(NotSealed, match=r"webhook_secret of 01J"):
        unseal(text, HERE, KEYS)


@pytest.mark.parametrize(
    "text", ["v1", "v1.", "v2", "v2.a.b", "v2....", f"v2.{OURS.id}.a.b", "v2.secret.a.b.c"]
)
def test_half_an_envelope_is_damaged(text: str) -> None:
    with pytest.raises(Damaged) as caught:
        unseal(text, HERE, KEYS)
    assert "secret." not in str(caught.value).replace("webhook_secret", "")
