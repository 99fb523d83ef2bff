"""Every process knows what a forge said to any of them, and every page, program and scrape shows it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db.utils import OperationalError
from django.test import Client
from django.utils import timezone

from seatrial.control.forges import budgets, registry
from seatrial.control.forges.budgets import Stored
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import Limited
from seatrial.control.forges.github.limits import PACE
from seatrial.control.forges.http.budget import Standing, Whose
from seatrial.control.forges.http.meters import Meter
from seatrial.control.forges.http.turns import Turns
from seatrial.control.forges.models import StoredBudget
from seatrial.control.forges.protocol import Budgeted
from seatrial.control.forges.urgency import Urgency
from seatrial.control.projects.models import Connection
from tests import factories
from tests.factories import Cast
from tests.forges.toy import ToySite, registration

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def cast() -> Cast:
    return Cast()


@pytest.fixture
def connection(cast: Cast) -> Connection:
    return factories.connection(
        cast.workspace, forge="github", name="bot at github", base_url="https://git.test"
    )


def said(connection: Connection, **standing: Any) -> Standing:
    """What another process reads after this one wrote."""
    stored(connection).write(Standing(**standing))
    return stored(connection).read()


def stored(connection: Connection, installation: str = "", name: str = "") -> Stored:
    return Stored(connection.pk, Whose(installation, name))


def test_the_smaller_number_of_a_period_and_the_later_period_count(connection: Connection) -> None:
    assert stored(connection).read() == Standing()
    assert said(connection, left=4000, most=5000, resets_in=300).left == 4000
    assert said(connection, left=3000, most=5000, resets_in=299).left == 3000
    assert said(connection, left=3500, most=5000, resets_in=300).left == 3000, "it was overtaken"
    assert said(connection, left=10, most=5000, resets_in=100).left == 3000, "of an earlier period"
    read = said(connection, left=4999, most=5000, resets_in=3600)
    assert (read.left, read.most) == (4999, 5000) and 3590 < read.resets_in <= 3600


def test_a_pause_stays_as_long_as_the_longest_that_was_asked_for(connection: Connection) -> None:
    said(connection, paused_for=60)
    read = said(connection, left=100, most=5000, resets_in=300)
    assert read.left == 100 and 55 < read.paused_for <= 60
    assert 55 < said(connection, paused_for=5).paused_for <= 60


def test_what_is_over_is_not_told(connection: Connection) -> None:
    said(connection, left=1, most=5000, resets_in=300, paused_for=60)
    past = timezone.now() - timedelta(seconds=1)
    StoredBudget.objects.update(resets_at=past, paused_until=past)
    assert stored(connection).read() == Standing(most=5000)


def test_a_number_that_no_column_holds_is_cut(connection: Connection) -> None:
    assert said(connection, left=10**10, most=10**10, resets_in=300).left == 2**31 - 1


def test_a_connection_that_is_only_tried_or_was_removed_leaves_nothing(connection: Connection) -> None:
    tried = Connection(workspace=connection.workspace, forge="github", name="tried")
    assert said(tried, left=4, resets_in=300) == Standing()
    said(connection, left=4, resets_in=300)
    connection.delete()
    assert said(connection, left=4, resets_in=300) == Standing()
    assert not StoredBudget.objects.exists()


def test_a_database_that_is_away_stops_no_request(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("the connection was cut")

    monkeypatch.setattr(budgets.connection, "cursor", away)
    assert said(connection, left=4, resets_in=300) == Standing()


@pytest.mark.django_db(transaction=True)
def test_processes_that_write_at_once_undo_nothing(connection: Connection) -> None:
    def write(left: int) -> None:
        try:
            stored(connection).write(Standing(left=left, most=5000, resets_in=300, paused_for=left))
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(100, 10, -1)))
    row = StoredBudget.objects.get()
    assert row.left == 11
    assert row.paused_until is not None and row.paused_until > timezone.now() + timedelta(seconds=80)


def test_two_processes_have_one_budget(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    site = ToySite(left=1)
    monkeypatch.setitem(registry.FORGES, "toy", registration(site))
    toy = factories.connection(
        cast.workspace, forge="toy", base_url="https://toy.test", credential="the credential"
    )
    project = factories.project(cast.workspace, "shop", connection=toy, external_id="shop")
    web, worker = Forges(), Forges()
    worker.of(toy).open_pull_requests(project)
    with pytest.raises(Limited):
        web.of(toy).open_pull_requests(project)
    assert len(site.asked) == 1


@pytest.mark.parametrize("kind", [kind for kind, one in registry.FORGES.items() if one.hosting is not None])
def test_every_hosted_forge_shares_its_budget(cast: Cast, kind: str) -> None:
    row = factories.connection(cast.workspace, forge=kind, base_url="https://git.test", credential="token")
    forge = Forges().of(row)
    assert isinstance(forge, Budgeted)
    forge.allowances.of().budget.pause(60)
    assert StoredBudget.objects.get(connection=row).paused_until is not None


@pytest.mark.django_db(transaction=True)
def test_processes_that_ask_at_once_are_given_no_more_than_there_is(connection: Connection) -> None:
    def ask(_: int) -> bool:
        try:
            return stored(connection).take(Meter.CHANGES, 1000, 5500).given
        finally:
            database.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, range(12))) == 5
    assert 4000 < stored(connection).take(Meter.CHANGES, 1000, 5500).ahead <= 5000
    assert stored(connection, "7").take(Meter.CHANGES, 1000, 5500).given, "another installation has its own"
    assert stored(connection).take(Meter.CONTENT, 1000, 5500).given


def test_what_another_process_changed_counts(connection: Connection) -> None:
    slept: list[float] = []
    turns = Turns(PACE, sleep=slept.append)
    turns.share(stored(connection))
    with turns.taken("POST", Urgency.REPORT):
        assert not slept
    assert stored(connection).take(Meter.CHANGES, 1000, 2000).given
    with pytest.raises(Limited, match="Earlier changes"), turns.taken("POST", Urgency.REPORT):
        pass
    with turns.taken("GET", Urgency.REPORT):
        pass


def test_without_the_database_each_process_keeps_to_the_pace_by_itself(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("the connection was cut")

    one = stored(connection)
    monkeypatch.setattr(budgets.connection, "cursor", away)
    assert [one.take(Meter.POINTS, 3000, 7000).given for _ in range(3)] == [True, True, False]


# what people and programs see


def get(user: Any, path: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(path)


def shown(user: Any) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = get(user, "/api/v1/status").json()["connections"]
    return answer


@pytest.mark.parametrize(
    ("standing", "waits_for"),
    [
        ({"left": 4000}, ""),
        ({"left": 900}, "sweeps and lists wait for them"),
        ({"left": 400}, "only reports and orders are still sent"),
        ({"left": 0}, "new requests, which the code host gives at"),
        ({"left": 4000, "paused_for": 60}, "the code host, which wants to be asked nothing until"),
    ],
)
def test_whoever_may_manage_a_connection_sees_what_is_left_and_what_waits(
    cast: Cast, connection: Connection, standing: dict[str, Any], waits_for: str
) -> None:
    said(connection, most=5000, resets_in=300, **standing)
    (one,) = shown(cast.alice)
    assert (one["id"], one["budget"]["left"], one["budget"]["most"]) == (
        connection.pk,
        standing["left"],
        5000,
    )
    assert waits_for in one["budget"]["waits_for"] and bool(waits_for) == bool(one["budget"]["waits_for"])
    (listed,) = get(cast.alice, "/api/v1/connections").json()
    assert listed["budget"] == one["budget"]
    page = get(cast.alice, f"/connections/{connection.pk}").content.decode()
    assert f"accepts {standing['left']} of 5000 more requests" in page and waits_for in page
    gauges = get(cast.alice, "/api/v1/metrics").content.decode()
    of = f'{{connection="{connection.pk}",forge="github",installation="",name="bot at github"}}'
    assert f"seatrial_forge_requests_left{of} {float(standing['left'])}" in gauges
    assert f"seatrial_forge_requests_most{of} 5000.0" in gauges


def test_each_installation_of_an_app_is_shown(cast: Cast, connection: Connection) -> None:
    for installation, name, left in (("1", "acme", 4000), ("2", "zoo", 9), ("3", "", 4999)):
        stored(connection, installation, name).write(Standing(left=left, most=5000, resets_in=300))
    (one,) = shown(cast.alice)
    assert [(each["installation"], each["left"]) for each in one["budgets"]] == [
        ("acme", 4000), ("number 3", 4999), ("zoo", 9)
    ]  # fmt: skip
    assert one["budget"] == one["budgets"][2]
    (listed,) = get(cast.alice, "/api/v1/connections").json()
    assert listed["budgets"] == one["budgets"]
    page = get(cast.alice, f"/connections/{connection.pk}").content.decode()
    assert "accepts 4000 of 5000 more requests for the installation of acme" in page
    assert "The installation of zoo waits for new requests" in page
    gauges = get(cast.alice, "/api/v1/metrics").content.decode()
    assert (
        f'seatrial_forge_requests_left{{connection="{connection.pk}",forge="github",installation="zoo"'
        in gauges
    )


def test_before_its_first_answer_nothing_is_known(cast: Cast, connection: Connection) -> None:
    (one,) = shown(cast.alice)
    assert one["budget"]["left"] is None and one["budget"]["waits_for"] == ""
    assert "requests_left{" not in get(cast.alice, "/api/v1/metrics").content.decode()


def test_nobody_else_sees_it(cast: Cast, connection: Connection) -> None:
    said(connection, left=4000, most=5000, resets_in=300)
    for person in (cast.bob, cast.charlie):
        assert shown(person) == []
        assert connection.pk not in get(person, "/api/v1/metrics").content.decode()
    assert Client().get("/api/v1/metrics").status_code == 401
