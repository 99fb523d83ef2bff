"""Trials and replays in the database: what an agent is given, whom it is believed, and what is counted."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import retention
from seatrial.control.policies.errors import NothingToTry, ReplayRuns, TooManyTrials
from seatrial.control.policies.models import (
    Attachment,
    Evaluation,
    NetworkPermission,
    PolicyVersion,
    Replay,
    Trial,
)
from seatrial.control.policies.trials import fetching, queueing, replays, results, services
from seatrial.control.policies.trials import overdue as trials_overdue
from seatrial.control.policies.trials.drafts import of_file, of_version
from seatrial.control.policies.trials.feeding import PLACES, feed
from seatrial.control.policies.trials.replays import Wanted
from seatrial.control.policies.trials.summaries import summary
from seatrial.control.projects.models import Project
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import ForgeFacts, PolicyResult
from seatrial.wire.states import Isolation, ResultState, TestsState, TrialState
from seatrial.wire.trials import RunTrial, TrialFinished, TrialResult, TrialStarted
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
BY = Actor.person("dana")
CODE = """
PARAMS = {"file": "README.md"}
TESTS = [
    {"name": "there", "input": {"files": {"README.md": "x"}}, "expected": {"passed": True}},
    {"name": "gone", "input": {}, "expected": {"passed": False}},
]
def evaluate(project, params):
    return {"passed": project.get_file_content(params["file"]) is not None}
"""
NETWORKED = "NETWORK = True\ndef evaluate(project): return {'passed': True}\n"


@pytest.fixture
def project() -> Project:
    return factories.project(factories.workspace())


@pytest.fixture
def version(project: Project) -> PolicyVersion:
    made = factories.policy(project.workspace, "Readme")
    PolicyVersion.objects.filter(pk=made.pk).update(code=CODE, tests=of_file("readme", CODE).tests)
    made.refresh_from_db()
    return made


def jobs() -> list[RunTrial]:
    rows = OutboxMessage.objects.filter(subject__startswith="seatrial.jobs.").order_by("id")
    messages = [Envelope.model_validate(row.body).open() for row in rows]
    assert all(isinstance(job, RunTrial) for job in messages)
    return messages  # type: ignore[return-value]


def hand_over() -> None:
    """As the worker's lane does: every trial that was instructed gets its facts."""
    for row in OutboxMessage.objects.filter(subject=Instruction.TRIAL):
        queueing.queue(row.body["trial"], ForgeFacts())


def said(key: str, state: str = "passed", test: int | None = None, **fields: Any) -> TrialResult:
    result = PolicyResult(version_id=key, slug="readme", state=ResultState(state), **fields)
    return TrialResult(result=result, test=test)


def finish(trial: Trial, *found: TrialResult, agent: str = "a", **fields: Any) -> Trial:
    results.finished(
        agent,
        TrialFinished(trial=trial.pk, isolation=Isolation.GVISOR, results=list(found), seconds=1.5, **fields),
    )
    trial.refresh_from_db()
    return trial


def evaluated(project: Project, *commits: str) -> None:
    """Pushes to the default branch, the newest last."""
    for commit in commits:
        Evaluation.objects.create(project=project, commit=commit, ref="refs/heads/main", event="push")


def test_tests_go_to_an_agent_at_once_and_are_compared_key_by_key(version: PolicyVersion) -> None:
    assert services.newest_tests(version) is TestsState.UNTRIED
    trial = services.run_tests_of(version, by=BY)
    (job,) = jobs()
    assert job.trial == trial.pk and job.source is None and not job.patient
    (tried,) = job.policies
    assert tried.policy.version_id == version.pk and [one.name for one in tried.tests] == ["there", "gone"]
    assert services.newest_tests(version) is TestsState.RUNNING
    results.started("a", TrialStarted(trial=trial.pk))
    finish(trial, said(version.pk, "passed", 0), said(version.pk, "passed", 1))
    assert [(one["test"], one["differences"]) for one in trial.results] == [
        ("there", []),
        ("gone", [{"key": "passed", "expected": False, "said": True}]),
    ]
    assert services.newest_tests(version) is TestsState.FAILED
    again = services.run_tests_of(version, by=BY)
    finish(again, said(version.pk, "passed", 0), said(version.pk, "failed", 1))
    assert services.newest_tests(version) is TestsState.PASSED
    assert not Evaluation.objects.exists(), "a trial is no evaluation"
    assert not OutboxMessage.objects.filter(subject=Instruction.REPORT).exists(), "and nobody hears of it"


def test_a_version_without_tests_has_no_state_of_them(project: Project) -> None:
    bare = factories.policy(project.workspace)
    assert services.newest_tests(bare) is None
    with pytest.raises(NothingToTry, match="TESTS"):
        services.run_tests_of(bare, by=BY)


def test_only_what_was_asked_is_believed_and_only_of_the_agent_that_took_it(version: PolicyVersion) -> None:
    trial = services.run_tests_of(version, by=BY)
    results.started("a", TrialStarted(trial=trial.pk))
    finish(trial, said(version.pk, "passed", 0), agent="b")
    assert trial.state == TrialState.RUNNING
    finish(trial, said("stranger", "passed", 1), said(version.pk, "waived", 0), said(version.pk, "passed", 7))
    assert [one["state"] for one in trial.results] == ["errored", "errored"]
    assert services.newest_tests(version) is TestsState.FAILED
    finish(trial, said(version.pk, "passed", 0), said(version.pk, "failed", 1))
    assert services.newest_tests(version) is TestsState.FAILED, "what has ended stays"


def test_a_policy_is_tried_on_a_commit_that_is_known_by_its_beginning(
    version: PolicyVersion, project: Project
) -> None:
    evaluated(project, "a" * 40, "b" * 40)
    pull = factories.pull_request(project, head_sha="c" * 40, base_sha="b" * 40)
    assert services.try_policy(version, project, "", by=BY).commit == "b" * 40
    trial = services.try_policy(version, project, "cccc", by=BY, params={"file": "LICENSE"})
    assert trial.commit == pull.head_sha and trial.pull_request == pull and not jobs()
    hand_over()
    job = jobs()[-1]
    assert (job.commit, job.number, job.base_commit) == (pull.head_sha, pull.number, "b" * 40)
    assert job.policies[0].tests == [] and job.policies[0].policy.params == {"file": "LICENSE"}
    finish(trial, said(version.pk, "failed", message="No README"))
    assert (
        trial.said == "failed"
        and trial.results[0]["message"] == "No README"
        and "test" not in trial.results[0]
    )
    for wrong in ("dddd", "nothing", "'"):
        with pytest.raises(NothingToTry):
            services.try_policy(version, project, wrong, by=BY)


def test_an_agent_fetches_only_for_a_trial_that_it_runs(version: PolicyVersion, project: Project) -> None:
    evaluated(project, "a" * 40)
    trial = services.try_policy(version, project, "", by=BY)
    assert not fetching.may_be_taken(trial.pk)
    hand_over()
    assert fetching.may_be_taken(trial.pk) and fetching.may_fetch("a", trial.pk) is None
    results.started("a", TrialStarted(trial=trial.pk))
    assert fetching.may_fetch("a", trial.pk) == project and fetching.may_fetch("b", trial.pk) is None
    finish(trial, message="the commit is gone")
    assert trial.state == TrialState.ERRORED and trial.message == "the commit is gone"
    assert fetching.may_fetch("a", trial.pk) is None


def test_strange_code_gets_the_network_only_from_those_who_may_permit_it(project: Project) -> None:
    evaluated(project, "a" * 40)
    NetworkPermission.objects.create(workspace=project.workspace, by="dana")
    draft = of_file("looks", NETWORKED)
    for may in (False, True):
        trial = services.try_draft(draft, project, "", by=BY, network=may)
        hand_over()
        assert jobs()[-1].policies[0].policy.network is may
        finish(trial, said(draft.key))
        assert trial.results[0]["message"].startswith("Ran without the network")


def test_a_workspace_has_only_so_many_trials_in_progress(version: PolicyVersion) -> None:
    for _ in range(services.MOST_AT_ONCE):
        services.run_tests_of(version, by=BY)
    with pytest.raises(TooManyTrials):
        services.run_tests_of(version, by=BY)


def replay_of(version: PolicyVersion | None, workspace: Any, **wanted: Any) -> Replay:
    draft = of_version(version) if version is not None else of_file("readme", CODE)
    return replays.replay(workspace, draft, version=version, wanted=Wanted(**wanted), by=BY)


def test_a_replay_compares_with_the_version_in_force_and_ends_by_itself(
    version: PolicyVersion, project: Project
) -> None:
    evaluated(project, *(letter * 40 for letter in "abcdef"))
    replay = replay_of(None, project.workspace, commits=5)
    assert replay.in_force == version and replay.version is None
    keys = [one["key"] for one in replay.tried]
    assert keys[1] == version.pk
    answers = iter([("failed", "passed"), ("passed", "failed"), ("failed", "failed"), ("errored", "passed")])
    hand_over()
    assert len(jobs()) == PLACES and all(job.patient and len(job.policies) == 2 for job in jobs())
    seen: list[str] = []
    while (
        trial := replay.trials.filter(state=TrialState.QUEUED, queued_at__isnull=False).order_by("id").first()
    ):
        seen.append(trial.commit[0])
        new, old = next(answers, ("", ""))
        finish(
            trial,
            *([said(keys[0], new), said(keys[1], old)] if new else []),
            message="" if new else "no sandbox",
        )
        hand_over()
    assert seen == ["f", "e", "d", "c", "b"], "the newest first, and no more than were asked for"
    replay.refresh_from_db()
    assert replay.state == TrialState.FINISHED and replay.finished_at is not None
    found = summary(replay)
    whole = found.whole
    assert (whole.commits, whole.passed, whole.failed, whole.errored, whole.not_run) == (5, 1, 2, 1, 1)
    assert (whole.newly_failing, whole.newly_passing, whole.waiting) == (1, 1, 0)
    assert found.error_rate == 0.25 and whole.seconds == 7.5
    assert [(name, counts.commits) for _, name, counts in found.projects] == [(project.name, 5)]
    assert (
        Evaluation.objects.count() == 6
        and not OutboxMessage.objects.filter(subject=Instruction.REPORT).exists()
    )


def test_a_version_is_replayed_once_a_replay_of_exactly_it_is_complete(
    version: PolicyVersion, project: Project
) -> None:
    evaluated(project, "a" * 40)
    assert services.replayed(version) is None
    replay = replay_of(version, project.workspace)
    assert len(replay.tried) == 1, "it is in force itself"
    assert services.replayed(version) is None
    hand_over()
    finish(replay.trials.get(), said(version.pk, "failed"))
    found = services.replayed(version)
    assert found is not None and (found.whole.failed, found.whole.newly_failing) == (1, 0)
    other = PolicyVersion.objects.create(policy=version.policy, number=2, code=CODE, digest="d")
    assert services.replayed(other) is None
    retention.prune_trials(timezone.now() + timedelta(days=60))
    assert services.replayed(version) is not None, "a level may depend on it"


def test_replays_of_workspaces_take_turns_and_one_workspace_has_one(
    version: PolicyVersion, project: Project
) -> None:
    evaluated(project, *(f"{number:040x}" for number in range(9)))
    first = replay_of(version, project.workspace)
    with pytest.raises(ReplayRuns):
        replay_of(version, project.workspace)
    elsewhere = factories.project(factories.workspace())
    evaluated(elsewhere, *(f"{number:040x}" for number in range(3)))
    second = replay_of(None, elsewhere.workspace)
    hand_over()
    assert second.trials.filter(queued_at=None).count() == 3, "all places are taken"
    for trial in first.trials.exclude(queued_at=None):
        finish(trial, said(version.pk))
    hand_over()
    turns = [
        one.trials.filter(state=TrialState.QUEUED).exclude(queued_at=None).count() for one in (first, second)
    ]
    assert turns == [PLACES // 2, PLACES // 2]


def test_a_cancelled_replay_keeps_what_it_has_and_takes_nothing_more(
    version: PolicyVersion, project: Project
) -> None:
    evaluated(project, *(f"{number:040x}" for number in range(9)))
    replay = replay_of(version, project.workspace)
    hand_over()
    one, late, *_ = replay.trials.exclude(queued_at=None)
    finish(one, said(version.pk))
    replays.cancel(replay, by=BY)
    finish(late, said(version.pk))
    replay.refresh_from_db()
    assert replay.state == TrialState.CANCELLED and "dana" in replay.message
    assert late.state == TrialState.CANCELLED and summary(replay).whole.passed == 1
    assert feed() == 0 and services.replayed(version) is None
    replays.cancel(replay, by=BY)
    assert replay_of(version, project.workspace).state == TrialState.RUNNING


def test_a_replay_has_every_project_in_turn_and_open_pull_requests_first(
    version: PolicyVersion, project: Project
) -> None:
    other = factories.project(project.workspace)
    evaluated(project, "a" * 40, "b" * 40)
    evaluated(other, "c" * 40)
    factories.pull_request(other, head_sha="d" * 40)
    factories.pull_request(other, head_sha="e" * 40, state="closed")
    gone = factories.project(project.workspace, archived_at=timezone.now())
    evaluated(gone, "f" * 40)
    replay = replay_of(version, project.workspace)
    order = replay.trials.order_by("place", "project__name").values_list("commit", flat=True)
    assert [one[0] for one in order] in (["b", "d", "a", "c"], ["d", "b", "c", "a"])
    replays.cancel(replay, by=BY)
    alone = replay_of(version, project.workspace, projects=(project.pk,), commits=1, pull_requests=False)
    assert [one.commit[0] for one in alone.trials.all()] == ["b"]


def test_a_replay_is_of_the_projects_that_its_policy_is_attached_to(
    version: PolicyVersion, project: Project
) -> None:
    evaluated(project, "a" * 40)
    other = factories.project(project.workspace, labels=["core"], stack="shop")
    evaluated(other, "b" * 40)
    for fields, commits in (
        ({"everything": True}, ["a", "b"]),
        ({"label": "core"}, ["b"]),
        ({"stack": "shop"}, ["b"]),
        ({"project": project}, ["a"]),
    ):
        version.policy.attachments.all().delete()
        Attachment.objects.create(policy=version.policy, by="dana", **fields)
        replay = replay_of(version, project.workspace)
        assert sorted(one.commit[0] for one in replay.trials.all()) == commits
        replays.cancel(replay, by=BY)
    version.policy.attachments.all().delete()
    Attachment.objects.create(policy=version.policy, by="dana", everything=True)
    Attachment.objects.create(policy=version.policy, by="dana", label="core", excluded=True, reason="old")
    assert [one.commit[0] for one in replay_of(version, project.workspace).trials.all()] == ["a"]


def test_there_is_nothing_to_replay_without_any_commit(version: PolicyVersion, project: Project) -> None:
    with pytest.raises(NothingToTry, match="No commit"):
        replay_of(version, project.workspace)


def test_a_trial_that_nobody_finishes_ends_with_the_reason_and_its_replay_goes_on(
    version: PolicyVersion, project: Project
) -> None:
    factories.agent()
    evaluated(project, *(f"{number:040x}" for number in range(PLACES + 1)))
    replay = replay_of(version, project.workspace)
    hand_over()
    taken = replay.trials.exclude(queued_at=None).first()
    assert taken is not None
    results.started("a", TrialStarted(trial=taken.pk))
    assert trials_overdue.give_up_lost() == 0
    Trial.objects.filter(pk=taken.pk).update(started_at=timezone.now() - timedelta(hours=1))
    assert trials_overdue.give_up_lost() == 1
    taken.refresh_from_db()
    assert taken.state == TrialState.ERRORED and "no result within" in taken.message
    assert not replay.trials.filter(begun_at=None).exists(), "the next one has its place"


def test_a_trial_that_no_agent_takes_ends_although_others_could(version: PolicyVersion) -> None:
    factories.agent()
    trial = services.run_tests_of(version, by=BY)
    assert trials_overdue.give_up_lost() == 0
    Trial.objects.update(queued_at=timezone.now() - timedelta(hours=1))
    assert trials_overdue.give_up_lost() == 1
    trial.refresh_from_db()
    assert trial.state == TrialState.ERRORED and trial.message.startswith(
        "Lost: no agent took it within 30 minutes"
    )


def test_facts_that_do_not_come_end_the_trial(version: PolicyVersion, project: Project) -> None:
    evaluated(project, "a" * 40)
    trial = services.try_policy(version, project, "", by=BY)
    queueing.facts_given_up({"trial": trial.pk}, "it is away.")
    queueing.queue(trial.pk, ForgeFacts())
    trial.refresh_from_db()
    assert trial.state == TrialState.ERRORED and "it is away" in trial.message and not jobs()


def test_old_trials_and_replays_are_deleted(version: PolicyVersion, project: Project) -> None:
    evaluated(project, "a" * 40)
    trial = services.run_tests_of(version, by=BY)
    finish(trial, said(version.pk, "passed", 0))
    draft = replay_of(None, project.workspace)
    replays.cancel(draft, by=BY)
    waiting = services.run_tests_of(version, by=BY)
    assert retention.prune_trials(timezone.now()) == 0
    assert retention.prune_trials(timezone.now() + timedelta(days=60)) == 2
    assert list(Trial.objects.all()) == [waiting] and not Replay.objects.exists()
