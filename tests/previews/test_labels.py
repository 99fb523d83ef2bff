"""Whose an address is: the first one's, and never another workspace's after that."""

import threading
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from seatrial.control.previews import labels
from seatrial.control.previews.errors import LabelsTaken
from seatrial.control.previews.models import Environment, Label
from seatrial.control.previews.pages.by_host import look_up
from seatrial.control.previews.retention import prune
from seatrial.control.previews.route_document import Document
from seatrial.wire.deployments import ObservedService
from seatrial.wire.states import ServiceKind
from tests import factories
from tests.previews.scenario import Scenario, web

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A, B = (letter * 40 for letter in "ab")


def api(name: str, endpoint: str = "http://10.6.6.6:80") -> ObservedService:
    return ObservedService(name=name, kind=ServiceKind.API, state="running", endpoint=endpoint)


def test_two_workspaces_with_one_repository_name_have_two_addresses() -> None:
    first, second = Scenario.make(), Scenario.make()
    assert first.project.slug == second.project.slug
    first.push(A)
    second.push(B)
    assert first.environment.name == "pr-1-shop"
    assert (
        second.environment.name.startswith("pr-1-shop-")
        and len(second.environment.name) == len("pr-1-shop-") + 16
    )


def test_the_address_of_a_closed_preview_goes_to_no_other_workspace() -> None:
    first = Scenario.make()
    first.push(A)
    first.close(at=1)
    Environment.objects.all().delete()  # as when it was kept long enough
    second = Scenario.make()
    second.push(B)
    assert second.environment.name != "pr-1-shop"
    first.push(A, at=2, action="reopened")
    assert first.environment.name == "pr-1-shop"
    assert Label.objects.get(label="pr-1-shop").environment == first.environment


def test_a_reopened_pull_request_has_its_own_address_again() -> None:
    first, second = Scenario.make(), Scenario.make()
    first.push(A)
    second.push(B)
    name = second.environment.name
    second.close(at=1)
    second.push(B, at=2, action="reopened")
    assert second.environment.name == name


def test_a_service_that_would_answer_at_anothers_address_fails_its_deployment() -> None:
    scene = Scenario.make()
    scene.push(A)
    scene.ready(scene.candidate(), web(), api("x-pr-1"))  # x-pr-1-pr-1-shop
    other = Scenario.make("pr-1-shop")
    other.push(B)  # pr-1-pr-1-shop
    other.ready(other.candidate(), api("x"))
    failed = other.deployment(B)
    assert (failed.state, failed.reason, failed.failed_service) == ("failed", "address_taken", "x")
    assert "x-pr-1-pr-1-shop.preview.localhost" in failed.message and "Rename" in failed.message
    assert Label.objects.get(label="x-pr-1-pr-1-shop").environment == scene.environment


def test_news_of_an_agent_moves_no_address_to_another_preview() -> None:
    victim = Scenario.make()
    victim.push(A)
    victim.ready(victim.candidate(), web("http://10.0.0.1:80"), api("x-pr-1", "http://10.0.0.1:81"))
    victim.switch()
    other = Scenario.make("pr-1-shop")
    other.push(B)
    other.ready(other.candidate(), web("http://10.6.6.6:80"))
    other.switch()
    other.observe(other.deployment(B), web("http://10.6.6.6:80"), api("x"))
    assert [service["name"] for service in other.environment.services] == ["web"]
    document = Document()
    document.replace([victim.environment, other.environment])
    assert '"x-pr-1-pr-1-shop":{"loadBalancer":{"servers":[{"url":"http://10.0.0.1:81"}]' in document.text()


def test_a_claim_is_all_or_nothing_and_may_be_repeated() -> None:
    mine = factories.environment(factories.pull_request(factories.project(factories.workspace())))
    theirs = factories.environment(factories.pull_request(factories.project(factories.workspace())))
    labels.claim(theirs, ["b"])
    for _ in range(2):
        labels.claim(theirs, ["b"])
        with pytest.raises(LabelsTaken) as refused:
            labels.claim(mine, ["a", "b", "c"])
        assert refused.value.labels == ["b"]
    assert set(Label.objects.values_list("label", "environment")) == {("b", theirs.pk)}


@pytest.mark.django_db(transaction=True)
def test_of_many_claims_at_once_one_succeeds() -> None:
    rows = [
        factories.environment(factories.pull_request(factories.project(factories.workspace())))
        for _ in range(4)
    ]
    outcomes: list[str] = []
    together = threading.Barrier(len(rows))

    def claim(row: Environment, wanted: list[str]) -> None:
        together.wait(60)
        try:
            labels.claim(row, wanted)
            outcomes.append(row.pk)
        except LabelsTaken:
            outcomes.append("")
        finally:
            connection.close()

    wanted = ["a", "b", "c"]
    threads = [
        threading.Thread(target=claim, args=(row, wanted[::-1] if number % 2 else wanted))
        for number, row in enumerate(rows)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (winner,) = filter(None, outcomes)
    assert len(outcomes) == 4
    assert set(Label.objects.values_list("label", "environment")) == {(label, winner) for label in wanted}


def test_what_previews_had_before_is_theirs_after_the_migration() -> None:
    carry = import_module("seatrial.control.previews.migrations.0006_label").claim
    old, new = Scenario.make(), Scenario.make()
    old.push(A)
    old.close(at=1)
    new.push(B)
    Environment.objects.filter(project=new.project).update(name="pr-1-shop")  # handed on, as it used to be
    Label.objects.all().delete()
    new.ready(new.candidate(), web(), api("api"))
    new.switch()
    Label.objects.all().delete()
    carry(apps, None)
    assert set(Label.objects.values_list("label", "environment__project")) == {
        ("pr-1-shop", new.project.pk),
        ("api-pr-1-shop", new.project.pk),
    }


def test_a_label_outlives_its_environment() -> None:
    scene = Scenario.make()
    scene.push(A)
    scene.close(at=1)
    Environment.objects.update(terminated_at="2020-01-01T00:00:00Z")
    assert prune(timezone.now()) >= 1
    assert Label.objects.get(label="pr-1-shop").environment is None
    assert look_up("pr-1-shop.preview.localhost").state == "none"


def test_the_stand_in_knows_a_preview_by_an_address_that_was_cut() -> None:
    scene = Scenario.make()
    scene.push(A)
    scene.ready(scene.candidate(), web(), api("a-service-" * 6))
    scene.switch()
    (label,) = Label.objects.exclude(label="pr-1-shop").values_list("label", flat=True)
    assert len(label) == 63
    assert look_up(f"{label}.preview.localhost.").status == 503
