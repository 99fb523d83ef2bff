"""Names that visitors see: short enough, the same for the same input, and not the same for two."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from seatrial.wire import hostnames
from seatrial.wire.states import ServiceKind

NAMES = st.lists(st.text("aA-_.0é", min_size=1, max_size=80), unique=True, max_size=8)
LONG = "a-repository-whose-name-goes-on-and-on"


def labels(environment: str, *names: str) -> dict[str, list[str]]:
    return hostnames.labels(environment, dict.fromkeys(names, ServiceKind.API))


def test_what_is_cut_ends_in_a_hash_of_80_bits() -> None:
    name = hostnames.environment_name(7, LONG)
    assert len(name) <= hostnames.ENVIRONMENT_LABEL
    assert name.startswith("pr-7-a-repository") and len(name.rsplit("-", 1)[1]) == 16
    (label,) = labels(name, "x" * 30)["x" * 30][:1]
    assert len(label) == hostnames.MAX_LABEL and len(label.rsplit("-", 1)[1]) == 16


def test_names_that_fit_are_not_changed() -> None:
    assert hostnames.environment_name(7, "My Shop") == "pr-7-my-shop"
    assert hostnames.labels("pr-7-shop", {"web": ServiceKind.WEB, "api": ServiceKind.API}) == {
        "web": ["pr-7-shop"],
        "api": ["api-pr-7-shop"],
    }


@pytest.mark.parametrize("names", [("my-app", "my_app"), ("My.App", "my_app"), ("é", "ü")])
def test_services_that_are_written_alike_do_not_share_an_address(names: tuple[str, str]) -> None:
    given_labels = labels("pr-1-shop", *names)
    assert given_labels[names[0]][0] != given_labels[names[1]][0]
    assert labels("pr-1-shop", *reversed(names)) == given_labels, "whatever their order"


def test_the_one_that_is_written_as_its_address_keeps_it() -> None:
    assert labels("pr-1-shop", "my_app", "my-app", "web-1")["my-app"][0] == "my-app-pr-1-shop"
    assert labels("pr-1-shop", "my_app")["my_app"][0] == "my-app-pr-1-shop"


def test_a_name_that_is_written_like_the_hash_of_another_does_not_take_its_place() -> None:
    first = hostnames.slugs(["my-app", "my_app"])["my_app"]
    assert len(set(hostnames.slugs(["my-app", "my_app", first]).values())) == 3


@given(NAMES)
def test_whatever_services_are_called_every_label_is_one_of_dns_and_nobody_elses(names: list[str]) -> None:
    own = [label[0] for label in labels("pr-1-shop", *names).values()]
    assert len(set(own)) == len(names)
    for label in own:
        assert len(label) <= 63 and label.strip("abcdefghijklmnopqrstuvwxyz0123456789-") == ""
        assert label[0] != "-" != label[-1]
