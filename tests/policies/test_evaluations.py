from datetime import timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.models import Agent
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies import queueing, services
from seatrial.control.policies.models import Evaluation, Policy, PolicyVersion, Result
from seatrial.control.policies.pages import evaluation_context
from seatrial.control.projects.models import Project
from seatrial.wire.agents import Heartbeat
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
A, B = "a" * 40, "b" * 40


@pytest.fixture
def project() -> Project:
    return factories.project(factories.workspace())


@pytest.fixture
def version(project: Project) -> PolicyVersion:
    return factories.policy(project.workspace, "Has readme")


def evaluate(project: Project, commit: str = A, **fields: Any) -> Evaluation | None:
    """Ask for an evaluation, and take its facts as the worker would."""
    asked = {"ref": "refs/heads/feature", "event": "push", **fields}
    evaluation = services.evaluate(project, commit=commit, **asked)
    if evaluation is not None:
        queueing.queue(evaluation.pk, ForgeFacts(default_branch="main"))
        evaluation.refresh_from_db()
    return evaluation


def finish(evaluation: Evaluation, *results: PolicyResult, **fields: Any) -> None:
    event = EvaluationFinished(
        evaluation=evaluation.pk, state="passed", isolation=Isolation.GVISOR, results=list(results), **fields
    )
    services.finished("agent", event)
    evaluation.refresh_from_db()


def said(
    version: PolicyVersion, state: str = "passed", score: float | None = 100.0, **fields: Any
) -> PolicyResult:
    return PolicyResult(
        version_id=version.pk, slug=version.policy.slug, state=ResultState(state), score=score, **fields
    )


def jobs() -> list[RunEvaluation]:
    rows = OutboxMessage.objects.filter(subject__startswith="seatrial.jobs.").order_by("id")
    messages = [Envelope.model_validate(row.body).open() for row in rows]
    assert all(isinstance(job, RunEvaluation) for job in messages)
    return messages  # type: ignore[return-value]


def test_versions_are_frozen_into_one_job(project: Project, version: PolicyVersion) -> None:
    evaluation = evaluate(project)
    assert evaluation is not None
    PolicyVersion.objects.create(policy=version.policy, number=2, code="new", digest="new")
    (job,) = jobs()
    assert (job.evaluation, job.commit, [p.version_id for p in job.policies]) == (
        evaluation.pk,
        A,
        [version.pk],
    )
    Policy.objects.update(criteria={"languages": ["Go"]})
    newer = evaluate(project, B)
    assert newer is not None and newer.versions.get().number == 2
    assert [p.languages for job in jobs() for p in job.policies] == [[], ["Go"]]


def test_same_commit_and_event_is_evaluated_once(project: Project, version: PolicyVersion) -> None:
    first = evaluate(project)
    assert evaluate(project) == first and len(jobs()) == 1
    assert evaluate(project, event="pull_request") != first
    assert first is not None
    finish(first, said(version))
    assert evaluate(project) == first


def test_a_manual_evaluation_runs_again_once_the_last_has_ended(
    project: Project, version: PolicyVersion
) -> None:
    first = evaluate(project, event="manual")
    assert evaluate(project, event="manual") == first
    assert first is not None
    finish(first, said(version))
    assert evaluate(project, event="manual") != first


def test_a_pull_request_that_is_open_again_is_evaluated_again(
    project: Project, version: PolicyVersion
) -> None:
    pull_request = factories.pull_request(project)
    asked = {"event": "pull_request", "pull_request": pull_request}
    first = evaluate(project, **asked)
    services.supersede(pull_request)
    again = evaluate(project, **asked)
    assert (
        first is not None and again is not None and again != first and again.state == EvaluationState.QUEUED
    )
    finish(again, said(version))
    services.supersede(pull_request)  # closed after its verdict, which stays
    assert evaluate(project, **asked) == again and again.state == EvaluationState.PASSED


def test_newer_commit_supersedes_and_late_results_change_nothing(
    project: Project, version: PolicyVersion
) -> None:
    first = evaluate(project)
    elsewhere = evaluate(project, ref="refs/heads/other")
    second = evaluate(project, B)
    assert first is not None and second is not None and elsewhere is not None
    services.started("agent", EvaluationStarted(evaluation=first.pk))
    finish(first, said(version))
    assert first.state == EvaluationState.SUPERSEDED and not first.results.exists()
    elsewhere.refresh_from_db()
    assert elsewhere.state == EvaluationState.QUEUED
    again = evaluate(project, A)  # pushed back to the older commit
    assert again is not None and again.pk not in {first.pk, second.pk}


def test_nothing_applies(project: Project) -> None:
    assert evaluate(project) is None
    assert not Evaluation.objects.exists()


def test_verdict_and_score_are_computed_here(project: Project, version: PolicyVersion) -> None:
    other = factories.policy(project.workspace, "Has licence")
    evaluation = evaluate(project)
    assert evaluation is not None
    finish(evaluation, said(version), said(other, "failed", 25.0))
    assert (evaluation.state, evaluation.score, evaluation.isolation) == ("failed", 62.5, "runsc")


def test_only_the_agent_that_took_it_is_believed(project: Project, version: PolicyVersion) -> None:
    evaluation = evaluate(project)
    assert evaluation is not None
    services.started("taker", EvaluationStarted(evaluation=evaluation.pk))
    finish(evaluation, said(version))  # by "agent"
    assert evaluation.state == EvaluationState.RUNNING and not evaluation.results.exists()
    services.started("agent", EvaluationStarted(evaluation=evaluation.pk))  # the queue handed it on
    finish(evaluation, said(version))
    assert evaluation.state == EvaluationState.PASSED


def test_agent_is_believed_only_about_what_was_asked(project: Project, version: PolicyVersion) -> None:
    missing = factories.policy(project.workspace, "Has licence")
    stranger = factories.policy(factories.workspace(), "Of others")
    evaluation = evaluate(project)
    assert evaluation is not None
    finish(evaluation, said(version, score=1e9), said(version, "failed", 0.0), said(stranger))
    results = {r.version_id: r for r in evaluation.results.all()}
    assert results.keys() == {version.pk, missing.pk}
    assert results[version.pk].score == 100.0
    assert results[missing.pk].state == "errored" and evaluation.state == "errored"
    finish(evaluation, said(version))
    assert evaluation.state == "errored"


def test_failed_as_a_whole(project: Project, version: PolicyVersion) -> None:
    evaluation = evaluate(project)
    assert evaluation is not None
    event = EvaluationFinished(evaluation=evaluation.pk, state="errored", message="checkout failed")
    services.finished("agent", event)
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.message, evaluation.score) == ("errored", "checkout failed", None)


def test_whole_failure_cannot_claim_to_have_passed(project: Project, version: PolicyVersion) -> None:
    evaluation = evaluate(project)
    assert evaluation is not None
    finish(evaluation, message="nothing to see")
    assert evaluation.state == "errored"


def test_lost_evaluations_are_given_up_with_the_reason(project: Project, version: PolicyVersion) -> None:
    queued, running = evaluate(project), evaluate(project, ref="refs/heads/x")
    assert queued is not None and running is not None
    services.started("agent", EvaluationStarted(evaluation=running.pk))
    assert services.give_up_lost() == 0
    past = timezone.now() - timedelta(minutes=11)
    Evaluation.objects.update(queued_at=past)
    assert services.give_up_lost() == 1  # the running one was taken just now
    Evaluation.objects.filter(pk=running.pk).update(started_at=past)
    assert services.give_up_lost() == 1
    said_of = dict(Evaluation.objects.values_list("pk", "message"))
    assert "no agent took it" in said_of[queued.pk] and "reported no result" in said_of[running.pk]


def test_what_waits_for_its_turn_is_not_given_up(project: Project, version: PolicyVersion) -> None:
    able = factories.agent("able")
    evaluation = evaluate(project)
    assert evaluation is not None
    Evaluation.objects.update(queued_at=timezone.now() - timedelta(hours=2))
    assert services.give_up_lost() == 0
    finish(evaluation, said(version))
    assert evaluation.state == EvaluationState.PASSED
    waiting = evaluate(project, B)
    Evaluation.objects.filter(pk=waiting.pk).update(queued_at=timezone.now() - timedelta(hours=25))
    assert services.give_up_lost() == 1  # the bus has forgotten its job
    assert able.state == "online"


def test_where_no_agent_has_a_sandbox_it_ends_soon_with_the_cause(
    project: Project, version: PolicyVersion
) -> None:
    able, unable = factories.agent("able"), factories.agent("unable")
    reports(unable, "no runsc", seconds=300.0)
    evaluation = evaluate(project)
    assert evaluation is not None
    assert services.give_up_lost() == 0  # the other one can
    reports(able, "", seconds=0.0)
    assert services.give_up_lost() == 0  # the other one is still preparing
    reports(able, "engine away", seconds=12.0)
    assert services.give_up_lost() == 0  # that may mend
    reports(able, "engine away", seconds=31.0)
    assert services.give_up_lost() == 1
    evaluation.refresh_from_db()
    assert evaluation.state == EvaluationState.ERRORED
    assert evaluation.message == "No policy can run: able: engine away; unable: no runsc"


def reports(agent: Agent, problem: str, *, seconds: float) -> None:
    beat = Heartbeat(release="1", sandbox_problem=problem, sandbox_problem_seconds=seconds)
    fleet.heartbeat(agent.pk, beat)


def test_broken_criteria_are_a_result_not_a_crash(project: Project, version: PolicyVersion) -> None:
    broken = factories.policy(project.workspace, "Broken")
    Policy.objects.filter(pk=broken.policy_id).update(criteria={"ref": "("})
    evaluation = evaluate(project)
    assert evaluation is not None
    assert [p.version_id for p in jobs()[0].policies] == [version.pk]
    finish(evaluation, said(version))
    result = Result.objects.get(version=broken)
    assert evaluation.state == "errored" and "criteria.ref '('" in result.message
    Policy.objects.filter(pk=version.policy_id).update(enabled=False)
    alone = evaluate(project, B)
    assert alone is not None and alone.state == "errored" and alone.finished_at


def test_policies_too_big_to_send_end_with_a_reason(project: Project, version: PolicyVersion) -> None:
    PolicyVersion.objects.filter(pk=version.pk).update(code="x" * 1_000_000)
    evaluation = evaluate(project)
    assert evaluation is not None and evaluation.state == "errored" and "too big" in evaluation.message


def test_no_agent_can_waive(project: Project, version: PolicyVersion) -> None:
    evaluation = evaluate(project)
    assert evaluation is not None
    finish(evaluation, said(version, "waived", None))
    assert (evaluation.state, evaluation.results.get().state) == ("errored", "errored")


def test_a_waived_result_is_on_the_page_and_does_not_count(project: Project, version: PolicyVersion) -> None:
    waived = factories.policy(project.workspace, "Small images")
    factories.waiver(project, waived, state="approved")
    evaluation = evaluate(project)
    assert evaluation is not None
    finish(evaluation, said(version, score=80), said(waived, "failed", 0))
    assert (evaluation.state, evaluation.score) == ("passed", 80)
    reader = factories.user(is_superuser=True)
    context = evaluation_context(reader, evaluation.pk, lambda pull_request: None)
    assert [result.state for result in context["results"]] == ["passed", "waived"]
    page = render_to_string("policies/parts/evaluation.html", context)
    assert "1 of 2 policies passed, 1 waived" in page and "Waived" in page
