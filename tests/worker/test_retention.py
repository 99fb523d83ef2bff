"""Rows that are old enough are deleted, but never those that people, policies and living previews still need."""

import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection, models, transaction
from django.test import Client
from django.utils import timezone

from seatrial.control import keeping
from seatrial.control.accounts.models import User
from seatrial.control.audit.actors import Actor
from seatrial.control.fleet import services as fleet
from seatrial.control.fleet.models import BootstrapToken
from seatrial.control.forges import registry
from seatrial.control.forges.local import retention as local
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.forges.local.registration import LOCAL
from seatrial.control.forges.models import Delivery, PostedComment
from seatrial.control.policies import retention as policies
from seatrial.control.policies.models import Evaluation, PolicyVersion
from seatrial.control.previews import retention as previews
from seatrial.control.previews.models import Deployment, Environment
from seatrial.control.projects.models import CommandComment, Project, PullRequest
from seatrial.control.worker import retention
from tests import factories as make
from tests.waiting import LIMIT_SECONDS

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=91)


@pytest.fixture
def project() -> Project:
    return make.project(make.workspace())


def closed(project: Project, at: datetime = LONG_AGO, **fields: Any) -> PullRequest:
    return make.pull_request(project, state="closed", changed_at=at, **fields)


def aged(*rows: models.Model, at: datetime = LONG_AGO) -> None:
    for row in rows:
        type(row)._default_manager.filter(pk=row.pk).update(created_at=at)


def left(rows: Iterable[models.Model]) -> set[Any]:
    """Those of `rows` that are there."""
    return {row.pk for row in rows if type(row)._default_manager.filter(pk=row.pk).exists()}


def of_ref(project: Project, ref: str, **fields: Any) -> Evaluation:
    values = {"commit": make.sha(), "event": "push", "state": "passed", **fields}
    return Evaluation.objects.create(project=project, ref=ref, **values)


def test_the_newest_evaluation_of_a_pull_request_and_of_a_ref_stays(project: Project) -> None:
    pull_request, other = make.pull_request(project), make.pull_request(project)
    version = make.policy(project.workspace)
    rows = {
        "older": make.evaluation(pull_request),
        "newest": make.evaluation(pull_request),
        "of another": make.evaluation(other),
        "older of main": of_ref(project, "refs/heads/main"),
        "newest of main": of_ref(project, "refs/heads/main"),
        "of a tag": of_ref(project, "refs/tags/v1", event="tag"),
        "asked for by hand": of_ref(project, "refs/heads/main", event="manual"),
    }
    for row in rows.values():
        make.result(row, version)
    aged(*rows.values())
    assert policies.prune(NOW) == 2
    assert policies.prune(NOW) == 0
    gone = {name for name, row in rows.items() if row.pk not in left(rows.values())}
    assert gone == {"older", "older of main"}
    assert PolicyVersion.objects.count() == 1


def test_young_unfinished_and_used_evaluations_stay(project: Project) -> None:
    pull_request = make.pull_request(project)
    young, running, used, old, _newest = (make.evaluation(pull_request, commit=make.sha()) for _ in range(5))
    Evaluation.objects.filter(pk=running.pk).update(state="running")
    aged(running, used, old)
    aged(young, at=NOW - timedelta(days=89))
    assert policies.prune(NOW, in_use={used.commit}) == 1
    assert left([young, running, used, old]) == {young.pk, running.pk, used.pk}


def test_a_pull_request_closed_long_ago_takes_the_verdicts_of_its_branch_with_it(project: Project) -> None:
    over = closed(project, branch="over")
    again, _ = closed(project, branch="again"), make.pull_request(project, branch="again")
    lately = closed(project, NOW - timedelta(days=1), branch="lately")
    into_main = closed(project, branch="main")
    gone = [make.evaluation(over), of_ref(project, "refs/heads/over"), make.evaluation(again)]
    kept = [
        make.evaluation(lately),
        of_ref(project, "refs/heads/again"),
        of_ref(project, "refs/heads/lately"),
        of_ref(project, "refs/heads/main"),
        of_ref(project, "refs/heads/of no pull request"),
        of_ref(make.project(project.workspace), "refs/heads/over"),
    ]
    aged(*gone, *kept)
    retention.prune(NOW)
    assert left([*gone, *kept]) == {row.pk for row in kept}
    assert left([over, again, lately, into_main]) == {lately.pk}


def test_ended_previews_go_but_for_the_one_that_says_somebody_stopped_it(project: Project) -> None:
    ended = {"state": "terminated", "terminated_at": LONG_AGO}
    stopped = make.pull_request(project)
    first, second = (make.environment(stopped, **ended, stopped_by="alice") for _ in range(2))
    over = make.environment(closed(project), **ended)
    lately = make.environment(closed(project), state="terminated", terminated_at=NOW - timedelta(days=89))
    living = make.running(make.pull_request(project))
    make.phases(make.deployment(over, state="superseded"), ("checkout", 0, 1))
    assert previews.prune(NOW) == 2
    assert left([first, second, over, lately, living]) == {second.pk, lately.pk, living.pk}


def test_old_deployments_of_a_living_preview_go_and_what_it_shows_stays(project: Project) -> None:
    environment = make.running(make.pull_request(project))
    live = environment.live
    assert live is not None
    Deployment.objects.filter(pk=live.pk).update(state="superseded")
    old, failed, after = (
        make.deployment(environment, state=state) for state in ("superseded", "failed", "superseded")
    )
    Deployment.objects.update(finished_at=LONG_AGO)
    lately = make.deployment(environment, state="superseded", finished_at=NOW)
    assert previews.prune(NOW) == 1
    rows = [live, old, failed, after, lately]
    assert left(rows) == {row.pk for row in rows} - {old.pk}, (
        "the newest result, and what came after it, is asked for"
    )
    assert previews.commits_in_use() == {live.commit}


def test_placements_of_which_nothing_is_left_go(project: Project) -> None:
    living = make.running(make.pull_request(project))
    old, lately, there = (
        make.placement(living, make.agent(), removed_at=at)
        for at in (LONG_AGO, NOW - timedelta(days=1), None)
    )
    assert previews.prune(NOW) == 1
    assert left([old, lately, there]) == {lately.pk, there.pk}


def test_a_closed_pull_request_stays_as_long_as_something_refers_to_it(project: Project) -> None:
    bare, shown, verdict = closed(project), closed(project), closed(project)
    make.environment(shown, state="terminated", terminated_at=NOW)
    make.evaluation(verdict)
    retention.prune(NOW)
    assert left([bare, shown, verdict]) == {shown.pk, verdict.pk}


def test_a_closed_pull_request_goes_with_its_comment_and_its_commands(project: Project) -> None:
    pull = closed(project)
    young = closed(project, at=NOW)
    for one in (pull, young):
        PostedComment.objects.create(pull_request=one, external_id="1", digest="d", posted_at=LONG_AGO)
    command = CommandComment.objects.create(
        pull_request=pull, comment="1", author="ann", commands=["/preview stop"], head_sha=pull.head_sha
    )
    retention.prune(NOW)
    assert left([pull, command]) == {pull.pk, command.pk}
    aged(command)
    retention.prune(NOW)
    assert left([pull, command, young]) == {young.pk}
    assert PostedComment.objects.get().pull_request == young


def test_local_pull_requests_go_once_announced_and_no_number_is_given_twice(project: Project) -> None:
    rows = [
        LocalPullRequest.objects.create(
            project=project, number=number, branch=f"b{number}", state=state, announced_state=announced,
            changed_at=LONG_AGO,
        )
        for number, state, announced in [
            (1, "closed", "closed"), (2, "closed", "open"), (3, "open", "open"), (4, "closed", "closed"),
        ]
    ]  # fmt: skip
    assert local.prune(NOW) == 1
    assert left(rows) == {row.pk for row in rows[1:]}


def test_what_expired_goes() -> None:
    now = timezone.now()
    fleet.issue_bootstrap("old", by=Actor.person("test"))
    BootstrapToken.objects.update(expires_at=now - timedelta(days=8))
    fleet.issue_bootstrap("young", by=Actor.person("test"))
    for days in (-1, 1):
        session = SessionStore()
        session.create()
        Session.objects.filter(pk=session.session_key).update(expire_date=now + timedelta(days=days))
    for key, seconds in (("old", 60), ("young", 100_000)):
        cache.set(key, 1, timeout=seconds)
    retention.prune(now + timedelta(hours=1))
    assert [token.name for token in BootstrapToken.objects.all()] == ["young"]
    assert Session.objects.count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache")
        assert [key for (key,) in cursor.fetchall()] == [":1:young"]


def test_an_age_that_the_operator_sets_is_the_one(
    project: Project, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings.CONFIGURATION, "galley_keep_days", 1)
    over = closed(project, NOW - timedelta(days=2))
    retention.prune(NOW)
    assert not left([over])


def test_one_that_fails_stops_no_other(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(now: datetime) -> int:
        raise ValueError("unreadable")

    monkeypatch.setitem(retention.PRUNES, "previews", broken)
    over = closed(project)
    retention.prune(NOW)
    assert not left([over])


def test_a_kind_of_forge_brings_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime] = []

    def own(now: datetime) -> int:
        asked.append(now)
        return 0

    monkeypatch.setitem(registry.FORGES, "toy", replace(LOCAL, kind="toy", prune=own))
    retention.prune(NOW)
    assert asked == [NOW]


def test_it_goes_in_batches(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        make.delivery(project.connection)
    assert keeping.delete(Delivery.objects.all(), batch=2) == 5
    for _ in range(5):
        make.delivery(project.connection)
    monkeypatch.setattr(keeping, "MOST_BATCHES", 2)
    assert keeping.delete(Delivery.objects.all(), batch=2) == 4
    assert Delivery.objects.count() == 1, "the next call takes the rest"


@pytest.mark.django_db(transaction=True)
def test_what_somebody_else_has_in_hand_is_left_to_them() -> None:
    connection_row = make.connection(make.workspace())
    held, free = make.delivery(connection_row), make.delivery(connection_row)
    gone: list[int] = []

    def prune() -> None:
        try:
            gone.append(keeping.delete(Delivery.objects.all()))
        finally:
            connection.close()

    with transaction.atomic():
        Delivery.objects.select_for_update().get(pk=held.pk)
        other = threading.Thread(target=prune)
        other.start()
        other.join(LIMIT_SECONDS)
        assert gone == [1], "it waited for a lock"
    assert left([held, free]) == {held.pk}


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_a_page_of_what_went_is_not_there_and_no_other_page_breaks() -> None:
    alice = make.user("alice")
    project = make.project(make.workspace(owner=alice))
    over = closed(project)
    ended = make.environment(over, state="terminated", terminated_at=LONG_AGO)
    verdict = make.evaluation(over)
    aged(verdict)
    pull_request = make.pull_request(project)
    living, newest = make.running(pull_request), make.evaluation(pull_request)
    make.delivery(project.connection, outcome=f"deployment x of {ended.name}; evaluation {verdict.pk}")
    client = signed_in(alice)
    gone = [f"/environments/{ended.pk}", f"/evaluations/{verdict.pk}"]
    rest = [f"/api/v1{path}" for path in gone]
    for path in [*gone, *rest]:
        assert client.get(path).status_code == 200, path
    retention.prune(NOW)
    for path in [*gone, *rest]:
        assert client.get(path).status_code == 404, path
    for path in (
        "/", "/projects", f"/projects/{project.pk}", "/deliveries", "/audit", "/agents",
        f"/environments/{living.pk}", f"/evaluations/{newest.pk}", "/api/v1/status",
    ):  # fmt: skip
        assert client.get(path).status_code == 200, path
    assert Environment.objects.count() == 1 and PullRequest.objects.count() == 1
