"""Re-scans: when they are due, whose turn it is, what is evaluated, what code hosts hear of it, and who may order them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts.models import Membership, Role, User
from seatrial.control.audit.actors import Actor
from seatrial.control.forges.errors import ForgeError
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies import queueing, services
from seatrial.control.policies.errors import NothingToRescan
from seatrial.control.policies.models import Evaluation, Policy, PolicyVersion
from seatrial.control.policies.notices.models import Notice, Subscription
from seatrial.control.policies.rescans import asking, due
from seatrial.control.policies.rescans.carrying_out import carry_out, given_up
from seatrial.control.policies.rescans.ending import repair
from seatrial.control.policies.rescans.feeding import PLACES, feed
from seatrial.control.policies.rescans.models import Due, Outcome, Rescan, RescanTarget
from seatrial.control.policies.rescans.retention import prune
from seatrial.control.policies.rescans.shown import progress, rescan_context
from seatrial.control.policies.rescans.telling import told_as
from seatrial.control.projects.errors import BadRescan, ProjectArchived
from seatrial.control.projects.models import Project
from seatrial.control.projects.rescan_times import checked, next_after
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import EvaluationFinished, ForgeFacts, PolicyResult, RunEvaluation
from seatrial.wire.states import EvaluationState, Isolation, Level, ResultState
from tests import factories
from tests.policies.test_trial_doors import rest, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
A, B = "a" * 40, "b" * 40
MAIN = "refs/heads/main"
BY = Actor.person("alice")


class Heads:
    """Forges that say which commit is the newest."""

    def __init__(self, commit: str = A) -> None:
        self.commit = commit

    def of(self, connection: Any) -> "Heads":
        return self

    def head(self, project: Project, branch: str) -> str:
        return self.commit


@pytest.fixture
def project() -> Project:
    return factories.project(factories.workspace())


@pytest.fixture
def version(project: Project) -> PolicyVersion:
    return factories.policy(project.workspace, "Has readme")


def pushed(project: Project, commit: str = A) -> Evaluation:
    found = services.evaluate(project, commit=commit, ref=MAIN, event="push", base_commit=B)  # type: ignore[arg-type]
    assert found is not None
    return found


def finish(evaluation: Evaluation, state: str = "passed") -> None:
    queueing.queue(evaluation.pk, ForgeFacts())
    results = [
        PolicyResult(version_id=one.pk, slug=one.policy.slug, state=ResultState(state), score=50.0)
        for one in evaluation.versions.all()
    ]
    services.finished(
        "agent",
        EvaluationFinished(
            evaluation=evaluation.pk,
            state=EvaluationState.PASSED,
            isolation=Isolation.GVISOR,
            results=results,
        ),
    )
    evaluation.refresh_from_db()


def work(rescan: Rescan, commit: str = A) -> list[Evaluation]:
    """Carry out what is under way; the evaluations that it led to."""
    for target in rescan.targets.filter(outcome=Outcome.UNDER_WAY, evaluation=None):
        carry_out(Heads(commit), {"target": target.pk})  # type: ignore[arg-type]
    return [
        one.evaluation for one in rescan.targets.exclude(evaluation=None).order_by("id") if one.evaluation
    ]


def job(evaluation: Evaluation) -> RunEvaluation:
    rows = OutboxMessage.objects.filter(subject__startswith="seatrial.jobs.").order_by("-id")
    found = [Envelope.model_validate(row.body).open() for row in rows]
    return next(one for one in found if isinstance(one, RunEvaluation) and one.evaluation == evaluation.pk)


def test_while_it_runs_the_verdict_on_the_preview_does_not_stand_for_that_on_the_commit(
    project: Project, version: PolicyVersion
) -> None:
    first = pushed(project)
    finish(first, "failed")
    Evaluation.objects.create(
        project=project, commit=first.commit, ref=first.ref, event="preview", state="passed"
    )
    (again,) = work(asking.of_project(project, by=BY))
    assert told_as(again).pk == first.pk


def test_the_newest_commit_is_evaluated_again_as_after_a_push(
    project: Project, version: PolicyVersion
) -> None:
    finish(pushed(project))
    rescan = asking.of_project(project, by=BY)
    (evaluation,) = work(rescan)
    assert (evaluation.commit, evaluation.ref, evaluation.event, evaluation.base_commit) == (
        A,
        MAIN,
        "push",
        B,
    )
    assert carry_out(Heads(), {"target": rescan.targets.get().pk}) is None and Evaluation.objects.count() == 2  # type: ignore[arg-type]
    finish(evaluation, "failed")
    rescan.refresh_from_db()
    assert rescan.state == "finished" and progress(rescan).failed == 1
    assert job(evaluation).fresh is False, "what somebody asks for may be remembered"


def test_what_says_the_same_is_told_to_nobody_and_what_is_new_is(
    project: Project, version: PolicyVersion
) -> None:
    Subscription.objects.create(
        workspace=project.workspace,
        url="https://chat.test/",
        kinds=["evaluation_finished"],
        secret="whsec_eA==",
    )
    first = pushed(project)
    finish(first)
    assert Notice.objects.count() == 1
    for _ in range(2):  # the second one is compared with what was said first as well
        (again,) = work(asking.of_project(project, by=BY))
        assert told_as(again).pk == first.pk, "while it runs, what was said stands"
        finish(again)
        assert told_as(again).pk == first.pk and Notice.objects.count() == 1
    (new,) = work(asking.of_project(project, by=BY))
    finish(new, "failed")
    assert told_as(new).pk == new.pk and Notice.objects.count() == 2
    assert [one.news for one in RescanTarget.objects.order_by("id")] == [False, False, True]


def test_a_push_that_came_meanwhile_is_not_superseded(project: Project, version: PolicyVersion) -> None:
    finish(pushed(project, B))
    rescan = asking.of_project(project, by=BY)

    class Pushing(Heads):
        def head(self, project: Project, branch: str) -> str:
            pushed(project, A)
            return B  # what was newest when it was asked

    carry_out(Pushing(), {"target": rescan.targets.get().pk})  # type: ignore[arg-type]
    target = rescan.targets.get()
    assert (target.outcome, target.evaluation) == (Outcome.OVERTAKEN, None)
    assert Evaluation.objects.get(commit=A).state == EvaluationState.QUEUED
    assert Rescan.objects.get().finished_at is not None


def test_few_are_under_way_and_every_re_scan_has_its_turn(version: PolicyVersion, project: Project) -> None:
    for _ in range(PLACES + 2):
        factories.project(project.workspace)
    large = asking.of_workspace(project.workspace, by=BY)
    other = factories.project(factories.workspace())
    factories.policy(other.workspace, "Other")
    small = asking.of_project(other, by=BY)
    under_way = RescanTarget.objects.filter(outcome=Outcome.UNDER_WAY)
    assert under_way.count() == PLACES and not under_way.filter(rescan=small).exists()
    assert OutboxMessage.objects.filter(subject=Instruction.RESCAN).count() == PLACES
    given_up({"target": large.targets.filter(outcome=Outcome.UNDER_WAY).order_by("id")[0].pk}, "It is away.")
    assert under_way.filter(rescan=small).exists(), "the one that has nothing under way is next"
    assert large.targets.get(outcome=Outcome.UNREACHABLE).why == "It is away."
    assert feed() == 0


def test_stopping_begins_nothing_more(version: PolicyVersion, project: Project) -> None:
    for _ in range(PLACES):
        factories.project(project.workspace)
    rescan = asking.of_workspace(project.workspace, by=BY)
    assert asking.of_workspace(project.workspace, by=BY).pk == rescan.pk, "it is in progress"
    asking.stop(rescan, by=BY)
    found = progress(rescan)
    assert (found.waiting, found.under_way, found.skipped) == (0, PLACES, 1)
    for evaluation in work(rescan):
        finish(evaluation)
    rescan.refresh_from_db()
    assert rescan.finished_at is not None and rescan.state == "stopped" and progress(rescan).passed == PLACES


def test_whatever_ended_without_being_told_is_repaired(version: PolicyVersion, project: Project) -> None:
    rescan = asking.of_project(project, by=BY)
    (evaluation,) = work(rescan)
    pushed(project, B)  # supersedes it
    evaluation.refresh_from_db()
    assert evaluation.state == EvaluationState.SUPERSEDED
    repair()
    repair()
    assert rescan.targets.get().outcome == Outcome.OVERTAKEN
    assert Rescan.objects.get().finished_at is not None


def test_a_policy_runs_where_it_is_attached_and_applies(version: PolicyVersion, project: Project) -> None:
    policy, pull = version.policy, factories.pull_request(project)
    elsewhere = factories.project(project.workspace)
    policy.attachments.all().delete()
    policy.attachments.create(project=project, by="alice")
    Policy.objects.filter(pk=policy.pk).update(criteria={"events": ["pull_request"]})
    rescan = asking.of_policy(policy, by=BY, pull_requests=True)
    assert not rescan.targets.filter(project=elsewhere).exists()
    (evaluation,) = work(rescan)
    assert evaluation.pull_request == pull
    assert rescan.targets.get(pull_request=None).outcome == Outcome.NOT_APPLICABLE
    Policy.objects.filter(pk=policy.pk).update(level=Level.DRAFT)
    policy.refresh_from_db()
    with pytest.raises(NothingToRescan, match="draft"):
        asking.of_policy(policy, by=BY)


def test_what_is_archived_or_closed_meanwhile_is_left_alone(version: PolicyVersion, project: Project) -> None:
    factories.pull_request(project)
    rescan = asking.of_project(project, by=BY, pull_requests=True)
    project.pull_requests.update(state="closed")
    Project.objects.update(archived_at=timezone.now())
    assert work(rescan) == [] and {one.outcome for one in rescan.targets.all()} == {Outcome.GONE}
    project.refresh_from_db()
    with pytest.raises(ProjectArchived):
        asking.of_project(project, by=BY)


def test_a_schedule_is_kept_once_whatever_was_missed(
    version: PolicyVersion, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(2026, 12, 7, 12, 0, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    Project.objects.filter(pk=project.pk).update(rescan="daily")
    assert due.begin_due() == 0 and Due.objects.get().at - now <= timedelta(days=1)
    first = Due.objects.get().at
    now = first + timedelta(days=3, seconds=1)  # nobody worked for three days
    assert (due.begin_due(), due.begin_due()) == (1, 0)
    rescan = Rescan.objects.get()
    assert rescan.scheduled and rescan.fresh and Due.objects.get().at == first + timedelta(days=4)
    (evaluation,) = work(rescan)
    queueing.queue(evaluation.pk, ForgeFacts())
    assert job(evaluation).fresh, "what is remembered does not know what time it is"
    Project.objects.filter(pk=project.pk).update(rescan="0 3 * * *")
    assert due.begin_due() == 0 and Due.objects.get().at.hour == 3
    Project.objects.filter(pk=project.pk).update(rescan="never")
    assert due.begin_due() == 0 and not Due.objects.exists()


def test_times_are_spread_and_always_the_same() -> None:
    noon = datetime(2026, 12, 7, 12, 0, tzinfo=UTC)
    many = {next_after("weekly", noon, project=f"project {number}") for number in range(20)}
    assert len(many) == 20 and max(filter(None, many)) - min(filter(None, many)) > timedelta(days=3)
    one = next_after("0 4 * * *", noon, project="x")
    assert one is not None and one == next_after("0 4 * * *", noon, project="x") and one.hour == 4
    assert next_after("0 4 * * *", one, project="x") == one + timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hourly", "never, daily, weekly, or by a cron expression of five parts"),
        ("x 3 * * *", "is no cron expression"),
        ("* * * * *", "once an hour at most"),
        ("*/30 * * * *", "once an hour at most"),
        ("0 3 30 2 *", "no"),
        ("1 " * 300, "at most 100 characters"),
    ],
)  # fmt: skip
def test_a_schedule_that_is_none_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(BadRescan, match=said):
        checked(text)


def test_old_ones_are_deleted(version: PolicyVersion, project: Project) -> None:
    rescan = asking.of_project(project, by=BY)
    assert prune(timezone.now()) == 0
    asking.stop(rescan, by=BY)
    given_up({"target": rescan.targets.get().pk}, "away")
    assert prune(timezone.now() + timedelta(days=31)) == 1 and not RescanTarget.objects.exists()


def test_a_forge_that_does_not_answer_changes_nothing(version: PolicyVersion, project: Project) -> None:
    class Away(Heads):
        def head(self, project: Project, branch: str) -> str:
            raise ForgeError("away")

    rescan = asking.of_project(project, by=BY)
    with pytest.raises(ForgeError):
        carry_out(Away(), {"target": rescan.targets.get().pk})  # type: ignore[arg-type]
    assert rescan.targets.get().outcome == Outcome.UNDER_WAY


def test_who_may_begin_and_stop_them_and_who_sees_nothing() -> None:
    cast = factories.Cast()
    for name, role in (("dora", Role.DEVELOPER), ("adam", Role.ADMIN)):
        Membership.objects.create(workspace=cast.workspace, user=factories.user(name), role=role)
    project = factories.project(cast.workspace)
    policy = factories.policy(cast.workspace, "Readme").policy
    of_project = f"/projects/{project.pk}/rescans"
    of_all = (f"/policies/{policy.pk}/rescans", "/workspaces/harbour/rescans")
    assert rest("bob")("post", of_project)[0] == 403
    assert {rest("dora")("post", one)[0] for one in of_all} == {403}
    assert {rest("charlie")("post", one)[0] for one in (of_project, *of_all)} == {404}
    status, begun = rest("dora")("post", of_project, {"pull_requests": False})
    assert status == 202 and begun["state"] == "running" and begun["counts"]["targets"] == 1
    assert {rest("adam")("post", one)[0] for one in of_all} == {202}
    key = begun["id"]
    for name, seen in (("bob", 200), ("charlie", 404)):
        assert rest(name)("get", f"/rescans/{key}")[0] == seen
        assert rest(name)("get", f"/rescans/{key}/targets")[0] == seen
        assert signed_in(name).get(f"/rescans/{key}").status_code == seen
    assert (
        rest("bob")("post", f"/rescans/{key}/stop")[0],
        rest("charlie")("post", f"/rescans/{key}/stop")[0],
    ) == (403, 404)
    assert rest("charlie")("get", "/rescans")[1] == [] and len(rest("bob")("get", "/rescans")[1]) == 3
    many = Rescan.objects.get(policy=policy).pk
    assert rest("dora")("post", f"/rescans/{many}/stop")[0] == 403
    status, stopped = rest("dora")("post", f"/rescans/{key}/stop")
    assert status == 200 and stopped["stopped_by"]


def test_pages_order_and_show_them_and_refuse_the_wrong_people() -> None:
    cast = factories.Cast()
    project = factories.project(cast.workspace, rescan="daily")
    policy = factories.policy(cast.workspace, "Readme").policy
    owner: Client = signed_in("alice")
    empty = owner.get("/policies/rescans").content.decode()
    assert "Nothing was re-scanned yet" in empty and "being worked out" in empty
    orders = [
        f"/projects/{project.pk}/rescan",
        f"/rescans/of-policy/{policy.pk}",
        f"/rescans/of-workspace/{cast.workspace.pk}",
    ]
    assert [signed_in("bob").post(one).status_code for one in orders] == [403] * 3
    assert [signed_in("charlie").post(one).status_code for one in orders] == [404] * 3
    for one in orders:
        answer = owner.post(one, follow=True)
        assert b"Re-scan of" in answer.content
    rescan = Rescan.objects.get(project=project)
    assert signed_in("bob").post(f"/rescans/{rescan.pk}/stop").status_code == 403
    assert "Stopped." in owner.post(f"/rescans/{rescan.pk}/stop", follow=True).content.decode()
    assert "Re-scan now" in owner.get(f"/projects/{project.pk}").content.decode()
    assert "Re-scan now" not in signed_in("bob").get(f"/projects/{project.pk}").content.decode()
    part = render_to_string(
        "rescans/parts/rescan.html", rescan_context(User.objects.get(username="alice"), rescan.pk)
    )
    assert "0 of 1 target" in part


def test_the_setting_is_changed_by_rest_and_refused_with_the_reason() -> None:
    cast = factories.Cast()
    project = factories.project(cast.workspace)
    ask = rest("alice")
    assert ask("patch", f"/projects/{project.pk}", {"rescan": " Daily "})[1]["rescan"] == "daily"
    status, answer = ask("patch", f"/projects/{project.pk}", {"rescan": "sometimes"})
    assert status == 400 and "cron" in str(answer) and Project.objects.get().rescan == "daily"
