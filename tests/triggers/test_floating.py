"""When live policies look at a preview, and what is said where there is nothing to look at."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from seatrial.agent.sandboxes.previewed import as_told
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.forges import registry
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.github import checks, statuses
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.local.registration import LOCAL
from seatrial.control.forges.protocol import EvaluationReport, TakenFacts
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies import services as policies
from seatrial.control.policies.again import again
from seatrial.control.policies.criteria import check_criteria
from seatrial.control.policies.errors import BadCriteria, NothingToTry, NotRunAgain
from seatrial.control.policies.models import Evaluation, PolicyVersion, Trial
from seatrial.control.policies.trials import commits, drafts, replays
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.previews.pages.cards import cards
from seatrial.control.projects.models import Project, PullRequest
from seatrial.control.triggers import looking
from seatrial.control.triggers.facts import take_facts
from seatrial.control.triggers.floating import float_preview
from seatrial.control.triggers.last_lines import LinesUnread
from seatrial.control.triggers.looking import snapshot
from seatrial.control.triggers.reports import report
from seatrial.wire.deployments import ServiceFacts
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import (
    EvaluationFinished,
    EvaluationStarted,
    ForgeFacts,
    PolicyResult,
    RunEvaluation,
)
from seatrial.wire.states import EvaluationState, Isolation, ResultState
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
LINES = {"web": ["listening on 8080", "x" * 900], "api": []}


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bus gives these lines; that it does is tested where it runs."""
    monkeypatch.setattr(looking, "lines_of_services", lambda deployment, most: LINES)


@pytest.fixture
def live_policy() -> PolicyVersion:
    version = factories.policy(factories.workspace(), "Answers")
    PolicyVersion.objects.filter(pk=version.pk).update(live=True)
    return version


@pytest.fixture
def pull_request(live_policy: PolicyVersion) -> PullRequest:
    return factories.pull_request(factories.project(live_policy.policy.workspace), base_sha="b" * 40)


def settled(pull_request: PullRequest) -> Evaluation | None:
    """What comes of the rows as they are now, asked for twice."""
    for _ in range(2):
        float_preview({"pull_request": pull_request.pk})
    return Evaluation.objects.filter(event="preview").order_by("id").last()


def some(pull_request: PullRequest) -> Evaluation:
    found = settled(pull_request)
    assert found is not None
    return found


def queued(evaluation: Evaluation) -> RunEvaluation:
    take_facts(Forges(), {"evaluation": evaluation.pk})
    rows = OutboxMessage.objects.filter(subject__startswith="seatrial.jobs.").order_by("id")
    jobs = [Envelope.model_validate(row.body).open() for row in rows]
    assert isinstance(jobs[-1], RunEvaluation)
    return jobs[-1]


@pytest.fixture(autouse=True)
def no_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    class Facts(LocalForge):
        def facts(self, *given: Any, **more: Any) -> Any:
            return TakenFacts(facts=ForgeFacts())

    monkeypatch.setitem(registry.FORGES, "local", replace(LOCAL, bind=lambda _: Facts()))


@pytest.mark.parametrize("state", ["queued", "building", "starting"])
def test_it_waits_for_the_preview(pull_request: PullRequest, state: str) -> None:
    environment = factories.environment(pull_request)
    environment.candidate = factories.deployment(environment, state=state)
    environment.save()
    waits = some(pull_request)
    assert (waits.state, waits.shown_message) == ("queued", "Waits for the preview.")
    take_facts(Forges(), {"evaluation": waits.pk})  # too early, and harmless
    Deployment.objects.update(state="live")
    Environment.objects.update(state="running", live=environment.candidate, candidate=None)
    assert some(pull_request).pk == waits.pk


def test_a_live_preview_is_looked_at_once_and_the_job_says_what_it_is_like(pull_request: PullRequest) -> None:
    environment = factories.running(pull_request)
    assert environment.live is not None
    services = [
        {**one, "facts": ServiceFacts(user="app", listening=[8080]).model_dump()}
        for one in environment.live.services
    ]
    Deployment.objects.update(services=services)
    factories.phases(environment.live, ("start", 0, 2.5))
    evaluation = some(pull_request)
    assert OutboxMessage.objects.filter(subject="facts").count() == 1
    job = queued(evaluation)
    assert [one.live for one in job.policies] == [True] and job.event == "preview"
    preview = job.preview
    assert preview is not None and preview.deployment == environment.live.pk == evaluation.deployment
    assert preview.urls["web"] == f"http://{environment.name}.preview.localhost"
    web = next(one for one in preview.services if one.name == "web")
    assert (web.user, web.listening, web.state, web.url) == ("app", [8080], "running", preview.urls["web"])
    assert [len(line) for line in web.logs] == [17, 500]
    assert [(one.name, one.seconds) for one in preview.phases] == [("start", 2.5)]
    assert preview.looks is None
    looked = {"service": "web", "state": "taken", "width": 1280, "height": 900, "changed": 1.5, "digest": "d"}
    environment.live.screenshots.create(**looked, picture=b"PNG")
    seen = snapshot(environment.live.pk)
    assert seen is not None and as_told(seen)["screenshot"] == {
        **{name: looked[name] for name in looked if name != "state"},
        "status": None,
        "title": "",
        "compared_with": "",
    }


def test_policies_of_the_code_never_run_on_the_preview_nor_the_other_way_round(
    pull_request: PullRequest, live_policy: PolicyVersion
) -> None:
    factories.running(pull_request)
    asked = {"commit": pull_request.head_sha, "ref": "refs/heads/x", "pull_request": pull_request}
    assert policies.evaluate(pull_request.project, event="pull_request", **asked) is None
    factories.policy(live_policy.policy.workspace, "Has readme")
    code = policies.evaluate(pull_request.project, event="pull_request", **asked)
    assert code is not None
    assert [one.policy.name for one in code.versions.all()] == ["Has readme"]
    assert [one.policy.name for one in some(pull_request).versions.all()] == ["Answers"]
    assert code.state == "queued", "neither supersedes the other"


def test_without_a_live_policy_nothing_happens(pull_request: PullRequest) -> None:
    factories.running(pull_request)
    PolicyVersion.objects.update(live=False)
    assert settled(pull_request) is None


def test_a_preview_that_failed_is_no_pass_and_no_failure(pull_request: PullRequest) -> None:
    environment = factories.environment(pull_request)
    factories.deployment(environment, state="failed", message="web ended with 1.")
    evaluation = some(pull_request)
    assert (evaluation.state, evaluation.message) == ("errored", "The preview failed: web ended with 1.")


@pytest.mark.parametrize("state", ["cancelled", "superseded"])
def test_a_preview_that_was_stopped_fails_nobody(pull_request: PullRequest, state: str) -> None:
    factories.deployment(factories.environment(pull_request, state="terminated"), state=state)
    evaluation = some(pull_request)
    assert (evaluation.state, evaluation.score) == ("passed", None)
    assert "was stopped" in evaluation.message
    assert [one.state for one in evaluation.results.all()] == ["skipped"]


def test_where_no_preview_is_wanted_the_reason_is_told(pull_request: PullRequest) -> None:
    Project.objects.update(previews_enabled=False)
    evaluation = some(pull_request)
    assert (evaluation.state, evaluation.message) == (
        "passed",
        "No preview: previews are switched off for this project.",
    )


def test_another_deployment_of_the_commit_is_looked_at_again(pull_request: PullRequest) -> None:
    environment = factories.running(pull_request)
    first = some(pull_request)
    again = factories.deployment(environment, state="live")
    Environment.objects.update(live=again)
    second = some(pull_request)
    first.refresh_from_db()
    assert (first.state, second.deployment) == ("superseded", again.pk)


def test_a_closed_pull_request_is_not_looked_at(pull_request: PullRequest) -> None:
    factories.running(pull_request)
    evaluation = some(pull_request)
    PullRequest.objects.update(state="closed")
    policies.supersede(pull_request)
    evaluation.refresh_from_db()
    assert evaluation.state == "superseded" and some(pull_request).pk == evaluation.pk


def test_a_preview_that_stopped_meanwhile_is_not_looked_at(pull_request: PullRequest) -> None:
    factories.running(pull_request)
    evaluation = some(pull_request)
    Environment.objects.update(live=None, state="terminated")
    take_facts(Forges(), {"evaluation": evaluation.pk})
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.queued_at) == ("passed", None)
    assert "stopped before" in evaluation.message


def test_without_its_log_nobody_says_that_there_is_nothing_in_it(
    pull_request: PullRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(deployment: Deployment, most: int) -> dict[str, list[str]]:
        raise LinesUnread("away")

    monkeypatch.setattr(looking, "lines_of_services", unread)
    factories.running(pull_request)
    evaluation = some(pull_request)
    with pytest.raises(LinesUnread, match="log of the preview"):
        take_facts(Forges(), {"evaluation": evaluation.pk})
    evaluation.refresh_from_db()
    assert evaluation.state == "queued"


def test_the_forge_hears_of_it_under_a_name_of_its_own(
    pull_request: PullRequest, live_policy: PolicyVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[EvaluationReport] = []

    class Listening(LocalForge):
        def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
            heard.append(report)

    monkeypatch.setitem(registry.FORGES, "local", replace(LOCAL, bind=lambda _: Listening()))
    factories.running(pull_request)
    evaluation = some(pull_request)
    about = {"project": pull_request.project_id, "commit": pull_request.head_sha}
    report(Forges(), about)
    report(Forges(), about)
    names = [statuses.of_evaluation(one)["context"] for one in heard]
    assert names == ["seatrial/policies", "seatrial/floats"]
    assert [checks.of_evaluation(one).name for one in heard] == names
    Evaluation.objects.filter(pk=evaluation.pk).update(queued_at="2026-01-01T00:00Z")
    policies.started("one", EvaluationStarted(evaluation=evaluation.pk))
    result = PolicyResult(version_id=live_policy.pk, slug="answers", state=ResultState.FAILED, score=0)
    policies.finished(
        "one",
        EvaluationFinished(
            evaluation=evaluation.pk,
            state=EvaluationState.FAILED,
            isolation=Isolation.GVISOR,
            results=[result],
        ),
    )
    report(Forges(), about)
    assert statuses.of_evaluation(heard[-1]) | {"target_url": ""} == {
        "context": "seatrial/floats",
        "state": "failure",
        "description": "failed: answers",
        "target_url": "",
    }
    assert len(heard) == 3, "the verdict on the code is what it was"


def test_the_report_of_a_preview_has_it_looked_at(pull_request: PullRequest) -> None:
    previews_rows = OutboxMessage.objects.filter(subject="float")
    factories.running(pull_request)
    report(Forges(), {"pull_request": pull_request.pk})
    assert [row.body for row in previews_rows] == [{"pull_request": pull_request.pk}]
    PolicyVersion.objects.update(live=False)
    previews_rows.delete()
    report(Forges(), {"pull_request": pull_request.pk})
    assert not previews_rows.exists(), "nobody looks, so nothing is asked for"


def test_previews_are_no_event_of_criteria() -> None:
    with pytest.raises(BadCriteria, match="LIVE = True"):
        check_criteria({"events": ["preview"]})


LIVE = "LIVE = True\n\n\ndef evaluate(project):\n    return {'passed': bool(project.preview)}\n"


def test_a_trial_takes_the_preview_that_is_live_and_a_replay_is_refused(pull_request: PullRequest) -> None:
    draft = drafts.of_file("answers", LIVE)
    assert draft.live and draft.on_trial(network=False).policy.live
    environment = factories.running(pull_request)
    found = commits.find(pull_request.project, "", live=True)
    assert found.commit == pull_request.head_sha
    project = pull_request.project
    trial = Trial.objects.create(workspace=project.workspace, project=project, commit=found.commit)
    preview = looking.preview_of_trial(trial)
    assert preview is not None and preview.name == environment.name
    trial.commit = "c" * 40
    assert looking.preview_of_trial(trial) is None
    with pytest.raises(NothingToTry, match="previews of old commits"):
        replays.replay(
            pull_request.project.workspace, draft, version=None, wanted=replays.Wanted(), by=SYSTEM
        )


def test_somebody_has_the_preview_looked_at_again(pull_request: PullRequest) -> None:
    factories.running(pull_request)
    first = some(pull_request)
    by = Actor.person("dana")
    assert again(first, by=by).pk == first.pk, "it is in progress"
    Evaluation.objects.filter(pk=first.pk).update(state="failed", waits_for="")
    first.refresh_from_db()
    made = again(first, by=by)
    assert made.pk != first.pk and (made.deployment, made.event) == (first.deployment, "preview")
    assert some(pull_request).pk == made.pk and again(first, by=by).pk == made.pk
    assert [one.live for one in queued(made).policies] == [True]
    PullRequest.objects.update(head_sha="b" * 40)
    first.refresh_from_db()
    with pytest.raises(NotRunAgain, match="newer commit"):
        again(Evaluation.objects.select_related("pull_request").get(pk=first.pk), by=by)


def test_the_card_of_its_pull_request_says_whether_it_floats(pull_request: PullRequest) -> None:
    factories.running(pull_request)
    evaluation = some(pull_request)
    Evaluation.objects.filter(pk=evaluation.pk).update(state="failed")
    person = factories.user("root", is_superuser=True)
    (card,) = cards(PullRequest.objects.all(), user=person, limit=9)
    assert card.floating == evaluation and card.evaluation is None and card.failing
    client = Client()
    client.force_login(person)
    page = client.get(f"/projects/{pull_request.project_id}").content.decode()
    assert f"/evaluations/{evaluation.pk}" in page and "Floats" in page
