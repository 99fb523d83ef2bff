"""Policies that ask for the network: who permits it, what becomes of those that ask in vain, and where it is shown."""

import json
from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import Client

from seatrial.control.audit.models import AuditEntry
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies import packs, queueing, services
from seatrial.control.policies.answers import answers
from seatrial.control.policies.errors import BadMetadata
from seatrial.control.policies.models import Evaluation, NetworkPermission, PolicyVersion
from seatrial.control.triggers.verdict import verdict
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import EvaluationFinished, ForgeFacts, PolicyResult, PolicyToRun, RunEvaluation
from seatrial.wire.states import EvaluationState, Isolation, ResultState
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


class Doors:
    """A workspace with a policy that asks, its people, and a stranger who owns another one."""

    def __init__(self) -> None:
        roles = {role: make.user(role) for role in ("owner", "admin", "developer", "viewer")}
        self.people = {**roles, "stranger": make.user("stranger")}
        self.workspace = make.workspace("harbour", **roles)
        make.workspace("elsewhere", owner=self.people["stranger"])
        self.project = make.project(self.workspace, "shop")
        self.plain = make.policy(self.workspace, "Has readme")
        self.asks = make.policy(self.workspace, "Names resolve")
        PolicyVersion.objects.filter(pk=self.asks.pk).update(network=True)

    def client(self, who: str) -> Client:
        client = Client()
        client.force_login(self.people[who])
        return client

    def page(self, who: str) -> tuple[int, str]:
        answer = self.client(who).get("/policies/network")
        return answer.status_code, answer.content.decode()

    def press(self, who: str, what: str) -> int:
        return self.client(who).post(f"/policies/network/{self.workspace.pk}/{what}").status_code

    def rest(self, who: str, **body: Any) -> tuple[int, Any]:
        method, address = "PATCH" if body else "GET", "/api/v1/workspaces/harbour/network"
        answer = self.client(who).generic(method, address, json.dumps(body), "application/json")
        return answer.status_code, answer.json()

    def permit(self) -> None:
        NetworkPermission.objects.create(workspace=self.workspace, by="alice")

    def evaluate(self) -> Evaluation:
        evaluation = services.evaluate(
            self.project, commit="a" * 40, ref="refs/heads/main", event="push", again=True
        )
        queueing.queue(evaluation.pk, ForgeFacts(default_branch="main"))
        evaluation.refresh_from_db()
        return evaluation

    def finish(self, evaluation: Evaluation, **of_asking: Any) -> None:
        results = [
            PolicyResult(version_id=self.plain.pk, slug="has-readme", state="passed", score=100, network="x"),
            PolicyResult(
                version_id=self.asks.pk, slug="names-resolve", state="passed", score=50, **of_asking
            ),
        ]
        services.finished(
            "agent",
            EvaluationFinished(
                evaluation=evaluation.pk, state="passed", isolation=Isolation.GVISOR, results=results
            ),
        )
        evaluation.refresh_from_db()


def recorded() -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(action__endswith="_network").order_by("id")


@pytest.fixture
def doors() -> Doors:
    return Doors()


def asked() -> list[PolicyToRun]:
    """The policies of the newest job."""
    row = OutboxMessage.objects.filter(subject__startswith="seatrial.jobs.").order_by("-id").first()
    if row is None:
        return []
    command = Envelope.model_validate(row.body).open()
    assert isinstance(command, RunEvaluation)
    return command.policies


def test_admins_and_owners_permit_and_forbid_it_and_it_is_audited(doors: Doors) -> None:
    code, page = doors.page("admin")
    assert code == 200 and "not permitted" in page and "Names resolve" in page and "Has readme" not in page
    assert doors.press("admin", "permit") == 302
    assert "permitted</span> by admin" in doors.page("owner")[1]
    assert doors.press("owner", "permit") == 302  # it is, already
    code, answer = doors.rest("viewer")
    assert (code, answer["permitted"], answer["permitted_by"], answer["asking"]) == (
        200, True, "admin", ["names-resolve"],
    )  # fmt: skip
    code, answer = doors.rest("owner", permitted=False)
    assert (code, answer["permitted"], answer["permitted_at"]) == (200, False, None)
    assert doors.rest("admin", permitted=True)[1]["permitted"]
    assert doors.press("admin", "forbid") == 302 and not NetworkPermission.objects.exists()
    entries = recorded().values_list("action", "actor")
    permitted, forbidden = "workspace.permit_network", "workspace.forbid_network"
    assert list(entries) == [
        (permitted, "admin"), (forbidden, "owner"), (permitted, "admin"), (forbidden, "admin"),
    ]  # fmt: skip


@pytest.mark.parametrize(("who", "refused"), [("developer", 403), ("viewer", 403), ("stranger", 404)])
def test_nobody_else_does(doors: Doors, who: str, refused: int) -> None:
    assert doors.press(who, "permit") == refused
    assert doors.rest(who, permitted=True)[0] == refused
    if who == "stranger":  # who is an owner, elsewhere
        assert "Names resolve" not in doors.page(who)[1] and doors.rest(who)[0] == 404
    else:
        assert doors.page(who)[0] == 403
    assert not NetworkPermission.objects.exists() and not recorded().exists()


def test_what_asks_in_vain_is_errored_and_the_others_run(doors: Doors) -> None:
    evaluation = doors.evaluate()
    [result] = evaluation.results.all()
    assert (result.version, result.state, result.network) == (doors.asks, ResultState.ERRORED, "")
    assert "the workspace harbour does not permit" in result.message and "/policies/network" in result.message
    assert [policy.slug for policy in asked()] == ["has-readme"]
    doors.finish(evaluation, network="made-up")
    assert evaluation.state == EvaluationState.ERRORED and evaluation.results.count() == 2
    doors.permit()
    doors.evaluate()
    assert {policy.slug: policy.network for policy in asked()} == {"has-readme": False, "names-resolve": True}


def test_where_all_ask_in_vain_no_agent_is_asked(doors: Doors) -> None:
    doors.plain.policy.delete()
    evaluation = doors.evaluate()
    assert (evaluation.state, evaluation.score) == (EvaluationState.ERRORED, None)
    assert "No policy could run" in evaluation.message and asked() == []


def test_every_place_says_what_ran_with_the_network(doors: Doors) -> None:
    doors.permit()
    evaluation = doors.evaluate()
    doors.finish(evaluation, network="gitgrit_internal")
    shown = "ran with network (gitgrit_internal)"
    page = doors.client("viewer").get(f"/evaluations/{evaluation.pk}").content.decode()
    assert page.count(shown) == 1 and "1 policy with the network" in page
    [answer] = answers(Evaluation.objects.all())
    # What an agent says of a policy that did not ask is not believed.
    assert {one.policy: one.network for one in answer.results} == {
        "has-readme": "", "names-resolve": "gitgrit_internal",
    }  # fmt: skip
    rows = [line for line in verdict(evaluation) if line.startswith("|") and "network" in line]
    assert len(rows) == 1 and "names-resolve" in rows[0] and shown in rows[0].replace("\\", "")


def test_an_agent_that_knows_nothing_of_it_has_judged_nothing(doors: Doors) -> None:
    doors.permit()
    evaluation = doors.evaluate()
    doors.finish(evaluation)
    result = evaluation.results.get(version=doors.asks)
    assert (result.state, result.score) == (ResultState.ERRORED, None)
    assert "its release is older" in result.message and "upgrades the agent" in result.message
    assert evaluation.results.get(version=doors.plain).state == ResultState.PASSED


@pytest.mark.parametrize(
    ("line", "asks"),
    [("NETWORK = True", True), ("NETWORK: bool = True", True), ("NETWORK = False", False), ("", False)],
)
def test_a_policy_asks_in_its_file(line: str, asks: bool) -> None:
    assert packs.parse("one", f"{line}\ndef evaluate(project): ...").network is asks


@pytest.mark.parametrize("value", ['"yes"', "1", "None", '["gitgrit_internal"]'])
def test_anything_else_is_refused_when_it_is_saved(value: str) -> None:
    with pytest.raises(BadMetadata, match=r"one: NETWORK is .*True if the policy asks for the network"):
        packs.parse("one", f"NETWORK = {value}")
