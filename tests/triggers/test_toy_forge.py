"""A forge that nobody has seen before joins by one line, and does everything: webhook in, evaluation, report out."""

import json
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from django.test import Client

from seatrial.control.forges import registry
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.models import Delivery, FactsSnapshot
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import Connection, Project, PullRequest
from seatrial.control.triggers.comparing import compare
from seatrial.control.worker.database import Database
from seatrial.control.worker.deliveries import Deliveries
from seatrial.control.worker.sweeps import sweep_forges
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.evaluations import EvaluationFinished, PolicyResult
from tests import factories
from tests.forges.toy import START, ToySite, registration, sign
from tests.triggers.conftest import jobs, wait_is_over, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A, B, BASE = (letter * 40 for letter in "abc")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> ToySite:
    site = ToySite()
    monkeypatch.setitem(registry.FORGES, "toy", registration(site))
    return site


@pytest.fixture
def project(site: ToySite) -> Project:
    workspace = factories.workspace()
    connection = factories.connection(
        workspace, forge="toy", base_url="https://toy.test", credential="the credential"
    )
    factories.policy(workspace, "Has readme")
    clone_url = "https://toy.test/shop.git"
    return factories.project(
        workspace, "shop", connection=connection, external_id="shop", clone_url=clone_url
    )


def pull(commit: str = A, action: str = "opened", seconds: int = 0, number: int = 1) -> dict[str, object]:
    at = (START + timedelta(seconds=seconds)).isoformat()
    return {
        "repository": "shop",
        "number": number,
        "action": action,
        "head": commit,
        "base": BASE,
        "branch": "feature",
        "at": at,
    }


def send(connection: Connection, payload: dict[str, object], *, at: str = "7", signed_at: str = "7") -> int:
    body = json.dumps(payload).encode()
    headers = {
        "Toy-Event": "pull",
        "Toy-Delivery": str(payload["at"]),
        "Toy-Time": at,
        "Toy-Signature": sign(body, signed_at, str(connection.webhook_secret)),
    }
    path = f"/api/v1/webhooks/toy/{connection.pk}"
    return Client().post(path, body, content_type="application/json", headers=headers).status_code


def handle() -> None:
    Deliveries(Database(1), Wakeups([])).batch()


def finish(evaluation: Evaluation) -> None:
    version = evaluation.versions.get()
    passed = PolicyResult(version_id=version.pk, slug=version.policy.slug, state="passed", score=100.0)
    policies.finished("agent", EvaluationFinished(evaluation=evaluation.pk, state="passed", results=[passed]))


def test_from_its_webhook_to_its_status(site: ToySite, project: Project, lanes: Callable[[], None]) -> None:
    assert send(project.connection, pull()) == 202
    handle()
    delivery = Delivery.objects.get()
    assert delivery.headers == {"Toy-Event": "pull", "Toy-Time": "7"}
    assert PullRequest.objects.get().base_sha == BASE
    assert not site.asked, "no forge is asked for what a webhook tells"
    evaluation = Evaluation.objects.get()
    assert evaluation.pk in delivery.outcome
    lanes()
    (job,) = jobs()
    assert (job.source.clone_url, job.commit, job.base_commit, job.number) == (
        project.clone_url,
        A,
        BASE,
        1,
    )
    assert [member.model_dump() for member in job.facts.members] == [{"username": "alice", "role": "owner"}]
    finish(evaluation)
    lanes()
    assert site.statuses[f"/shop/statuses/{A}"]["state"] == "passed"


def test_a_signature_over_another_header_is_refused(site: ToySite, project: Project) -> None:
    assert send(project.connection, pull(), at="8") == 401
    assert send(project.connection, pull(), at="8", signed_at="8") == 202


def test_what_did_not_change_is_not_sent_for_the_next_commit(
    site: ToySite, project: Project, lanes: Callable[[], None]
) -> None:
    for number, commit in enumerate((A, B)):
        send(project.connection, pull(commit, "synchronize", number))
        handle()
        before = site.left
        lanes()
    assert site.asked.count("GET /shop") == 2
    assert before - site.left == sum(asked.startswith("PUT") for asked in site.asked) - 2, "304s cost nothing"
    assert FactsSnapshot.objects.count() == 2 and jobs()[0].facts == jobs()[1].facts


def test_without_requests_left_nothing_is_asked_until_later(
    site: ToySite, project: Project, forges: Forges, lanes: Callable[[], None]
) -> None:
    site.left = 1
    forge = forges.of(project.connection)
    forge.open_pull_requests(project)
    send(project.connection, pull())
    handle()
    asked = len(site.asked)
    lanes()
    assert len(site.asked) == asked
    assert "No request is left" in Evaluation.objects.get().waits_for
    (row,) = waiting(Instruction.FACTS)
    assert (row.due_at - row.created_at).total_seconds() > 200


def test_when_requests_run_short_sweeps_wait_then_facts_and_reports_go_on(
    site: ToySite, project: Project, forges: Forges, lanes: Callable[[], None]
) -> None:
    other = factories.project(project.workspace, "other", connection=project.connection, external_id="other")
    site.left = 100
    sweep_forges(forges)
    assert {"GET /shop/pulls", "GET /other/pulls"} <= set(site.asked)
    site.left = 15
    forges.of(project.connection).fetch_credential(project)  # any answer tells what is left
    site.asked.clear()
    sweep_forges(forges)
    assert site.asked == []
    for one in (project, other):
        one.refresh_from_db()
        assert "are kept for what is more urgent" in one.unreachable
    send(project.connection, pull())
    handle()
    lanes()
    assert site.asked[0] == "GET /shop", "facts are still fetched"
    site.left = 5
    forges.of(project.connection).fetch_credential(project)
    site.asked.clear()
    send(project.connection, pull(B, "synchronize", 1))
    handle()
    FactsSnapshot.objects.all().delete()
    lanes()
    assert "GET /shop" not in site.asked and f"PUT /shop/statuses/{B}" in site.asked
    assert "kept for what is more urgent" in Evaluation.objects.get(commit=B).waits_for


def test_a_forge_that_is_away_costs_time_and_nothing_else(
    site: ToySite, project: Project, lanes: Callable[[], None]
) -> None:
    send(project.connection, pull())
    handle()
    site.problem = httpx.Response(502)
    lanes()
    assert "toy.test answers 502" in Evaluation.objects.get().waits_for
    site.problem = None
    wait_is_over()
    lanes()
    assert len(jobs()) == 1


def test_the_sweep_goes_by_the_forges_clock(site: ToySite, project: Project, forges: Forges) -> None:
    """It is years ahead of ours: what was opened there lately must not look newer than our question."""
    site.pulls = [pull(A), pull(A, number=2)]
    compare(forges, project)
    site.pulls = [pull(A)]
    site.clock += timedelta(minutes=1)
    forges.of(project.connection).facts(project, A)  # any answer tells the time
    compare(forges, project)
    states = dict(PullRequest.objects.values_list("number", "state"))
    assert states == {1: "open", 2: "closed"}
    site.clock += timedelta(minutes=1)
    site.pulls = [pull(A), pull(A, number=2, seconds=90)]
    compare(forges, project)
    assert PullRequest.objects.get(number=2).state == "open"


def test_a_fetch_credential_is_for_one_repository_and_shows_nowhere(
    site: ToySite, project: Project, forges: Forges
) -> None:
    credential = forges.of(project.connection).fetch_credential(project)
    assert credential is not None and len(credential.password) == 520
    assert credential.expires_at == START + timedelta(hours=1)
    assert credential.password not in repr(credential)
