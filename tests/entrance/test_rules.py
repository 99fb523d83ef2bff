"""What an admin decides about who gets in is checked as a whole, and counts from the next deployment on."""

from typing import Any

import pytest

from seatrial.control.audit.models import AuditEntry
from seatrial.control.entrance import rules
from seatrial.control.entrance.errors import BadGate
from seatrial.control.projects.gates import gate_of, newest
from seatrial.control.projects.models import Gate
from tests.entrance.visits import ALICE, PASSWORD, basic, preview
from tests.previews.scenario import Scenario

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"mode": "privat"}, "mode", "privat"),
        ({"mode": "basic", "username": "", "password": PASSWORD}, "username", "user name"),
        ({"mode": "basic", "username": "a:b", "password": PASSWORD}, "username", "no colon"),
        ({"mode": "basic", "username": "a", "password": "7 chars"}, "password", "8 to 200"),
        ({"mode": "basic", "username": "a"}, "password", "there is none yet"),
        ({"mode": "addresses"}, "addresses", "at least one"),
        ({"mode": "addresses", "addresses": ["10.0.0.0/8", "10.0.0.300"]}, "addresses", "10.0.0.300"),
        ({"mode": "addresses", "addresses": ["10.1.2.3/8"]}, "addresses", "10.0.0.0/8"),
        ({"mode": "addresses", "addresses": ["fe80::1%eth0/64"]}, "addresses", "neither"),
        ({"mode": "addresses", "addresses": [f"10.0.0.{n}" for n in range(201)]}, "addresses", "At most 200"),
    ],
)
def test_one_thing_that_is_wrong_refuses_all(wrong: dict[str, Any], field: str, words: str) -> None:
    project = Scenario.make().project
    with pytest.raises(BadGate, match=words) as refused:
        rules.decide(project, by=ALICE, **wrong)
    assert refused.value.field == field
    assert (
        not Gate.objects.exists() and not AuditEntry.objects.filter(action="project.preview_access").exists()
    )


def test_bare_addresses_are_networks_of_one() -> None:
    assert rules.networks(["203.0.113.7", " 2001:db8::1 ", "10.0.0.0/8", "203.0.113.7"]) == [
        "203.0.113.7/32",
        "2001:db8::1/128",
        "10.0.0.0/8",
    ]


def test_the_password_is_stored_as_bcrypt_and_told_to_nobody() -> None:
    project = basic().project
    gate = newest(project)
    assert gate is not None and gate.password.startswith("bcrypt_sha256$$2b$")
    entry = AuditEntry.objects.get(action="project.preview_access")
    assert entry.details == {"mode": "basic", "addresses": [], "username": "crew", "password": "changed"}
    assert rules.decide(project, mode="basic", username="crew", by=ALICE) is None, "it stays: nothing is new"


def test_it_counts_from_the_next_deployment_on_or_once_it_is_applied() -> None:
    scenario = preview()
    assert scenario.environment.live is not None and scenario.environment.live.gate is None
    rules.decide(scenario.project, mode="members", by=ALICE)
    assert scenario.environment.live.gate is None
    assert list(rules.behind(scenario.project)) == [scenario.environment]
    assert rules.apply(scenario.project, by=ALICE) == 1
    environment = scenario.environment
    assert environment.live is not None and environment.live.gate == gate_of(scenario.project)
    assert rules.apply(scenario.project, by=ALICE) == 0 and not rules.behind(scenario.project).exists()
    rules.decide(scenario.project, mode="public", by=ALICE)
    assert list(rules.behind(scenario.project)) == [environment], "taking it away waits, too"
    scenario.live("b" * 40, at=5)
    assert scenario.environment.live is not None and scenario.environment.live.gate is None
