"""No forge is ever asked inside a database transaction, and no expression of a policy is matched in one: whoever needs the rows
would wait.
"""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.forges import registry
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.github.signature import sign
from seatrial.control.forges.local import git, services
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.forges.local.registration import LOCAL
from seatrial.control.forges.models import Delivery
from seatrial.control.forges.protocol import (
    EVERYTHING,
    Asked,
    DeploymentReport,
    EvaluationReport,
    PreviewReport,
    PullRequestChanged,
    TakenFacts,
)
from seatrial.control.outbox import services as outbox
from seatrial.control.policies import refs
from seatrial.control.policies.again import again
from seatrial.control.policies.criteria import search_ref
from seatrial.control.policies.models import Evaluation, Policy, PolicyVersion
from seatrial.control.policies.rescans.carrying_out import carry_out
from seatrial.control.policies.rescans.models import Outcome, Rescan, RescanTarget
from seatrial.control.policies.services import evaluate
from seatrial.control.previews.desired import desired
from seatrial.control.projects.models import CommandComment, Project, PullRequest
from seatrial.control.triggers import obeying
from seatrial.control.triggers.commands import Verb
from seatrial.control.triggers.floating import float_preview
from seatrial.control.worker import sweeps
from seatrial.control.worker.database import Database
from seatrial.control.worker.deliveries import Deliveries
from seatrial.control.worker.relay import placements
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.words import EventKind
from tests import factories
from tests.forges.conftest import Work
from tests.triggers.conftest import jobs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
APPS = ("projects", "forges", "local_forge", "policies", "previews", "outbox", "fleet")


def locked() -> list[str]:
    """Models of which some row is locked, as another connection finds out."""
    models_with_locks = []

    def look() -> None:
        try:
            for label in APPS:
                for model in apps.get_app_config(label).get_models():
                    try:
                        with transaction.atomic():
                            list(model._default_manager.select_for_update(nowait=True).values_list("pk"))
                    except OperationalError:
                        models_with_locks.append(model.__name__)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        other.submit(look).result(60)
    return models_with_locks


class Watch:
    """What somebody who is asked, a forge or git, notes about who asks."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.refs: list[str] = []

    def asking(self, what: str) -> None:
        """As long as an answer takes: who asks holds no lock meanwhile."""
        self.asked.append(what)
        if connection.in_atomic_block:
            self.wrong.append(f"{what} inside a transaction")
        self.wrong += [f"{what} while {model} is locked" for model in locked()]

    def search_ref(self, pattern: str, ref: str) -> bool:
        self.refs.append(ref)
        if connection.in_atomic_block:
            self.wrong.append(f"{ref} is matched inside a transaction")
        return search_ref(pattern, ref)


class WatchedForge(LocalForge):
    """The local forge, which tells its watch."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def now(self) -> datetime:
        return super().now()

    def open_pull_requests(self, project: Project) -> list[PullRequestChanged]:
        self._watch.asking("open_pull_requests")
        return super().open_pull_requests(project)

    def facts(
        self,
        project: Project,
        commit: str,
        known: TakenFacts | None = None,
        asked: frozenset[Asked] = EVERYTHING,
    ) -> TakenFacts:
        self._watch.asking("facts")
        return super().facts(project, commit, known, asked)

    def report_evaluation(self, project: Project, report: EvaluationReport) -> None:
        self._watch.asking("report_evaluation")

    def report_preview(self, project: Project, report: PreviewReport) -> None:
        self._watch.asking("report_preview")

    def report_deployment(self, project: Project, report: DeploymentReport) -> None:
        self._watch.asking("report_deployment")

    def fetch_credential(self, project: Project) -> None:
        self._watch.asking("fetch_credential")


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    watch = Watch()
    monkeypatch.setitem(registry.FORGES, "local", replace(LOCAL, bind=lambda _: WatchedForge(watch)))
    run = git.run

    def watched(directory: Path, *arguments: str, **options: bool) -> str:
        watch.asking(f"git {arguments[0]}")
        return run(directory, *arguments, **options)

    monkeypatch.setattr(git, "run", watched)
    monkeypatch.setattr(refs, "search_ref", watch.search_ref)
    monkeypatch.setattr(refs, "_answers", {})
    yield watch
    assert watch.wrong == []


@dataclass
class Scene:
    """A repository with a branch, under trial, with a policy and an agent."""

    project: Project
    work: Work
    commit: str


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    work = Work(tmp_path / "shop")
    work.commit("First")
    commit = work.commit("Second", branch="feature")
    workspace = factories.workspace()
    factories.policy(workspace, "Has readme")
    Policy.objects.update(criteria={"ref": "^(main|feature)$"})
    factories.agent()
    project = services.register(
        factories.connection(workspace, name="here"), str(work.path), by=Actor.person("alice")
    )
    return Scene(project, work, commit)


def deliver(scene: Scene, event: str, body: dict[str, Any]) -> None:
    text = json.dumps(body).encode()
    secret = str(scene.project.connection.webhook_secret)
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": event,
        "X-Hub-Signature-256": sign(text, secret),
    }
    path = f"/api/v1/webhooks/local/{scene.project.connection_id}"
    assert Client().post(path, text, content_type="application/json", headers=headers).status_code == 202
    Deliveries(Database(1), Wakeups([])).batch()
    assert "evaluation" in Delivery.objects.get(event=event).outcome


def repository(scene: Scene) -> dict[str, Any]:
    return {"id": 1, "clone_url": scene.project.external_id}


def pull_request(scene: Scene) -> dict[str, Any]:
    side = {"sha": scene.commit, "repo": repository(scene)}
    return {
        "action": "opened",
        "repository": repository(scene),
        "pull_request": {
            "number": 1,
            "title": "t",
            "head": {"ref": "feature", **side},
            "base": {"ref": "main", **side},
            "updated_at": timezone.now().isoformat(),
        },
    }


def test_the_watch_sees_a_transaction_and_a_lock(scene: Scene) -> None:
    watch = Watch()
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=scene.project.pk)
        watch.asking("facts")
    assert watch.wrong == ["facts inside a transaction", "facts while Project is locked"]


def test_deliveries_ask_nobody(scene: Scene, watch: Watch) -> None:
    deliver(scene, "pull_request", pull_request(scene))
    deliver(
        scene,
        "push",
        {"ref": "refs/heads/feature", "after": scene.commit, "repository": repository(scene)},
    )
    assert watch.asked == [] and Evaluation.objects.count() == 2
    assert watch.refs == ["refs/heads/feature"]  # remembered by the second


def test_an_evaluation_over_rest_asks_nobody(scene: Scene, watch: Watch) -> None:
    client = Client()
    client.force_login(factories.user("root", is_superuser=True))
    body = {"commit": scene.commit, "ref": "refs/heads/feature"}
    path = f"/api/v1/projects/{scene.project.pk}/evaluations"
    assert client.post(path, body, content_type="application/json").status_code == 200
    assert watch.asked == [] and Evaluation.objects.count() == 1 and watch.refs == ["refs/heads/feature"]


def test_facts_are_fetched_and_reports_sent_outside_transactions(
    scene: Scene, watch: Watch, lanes: Callable[[], None]
) -> None:
    deliver(scene, "pull_request", pull_request(scene))
    lanes()
    assert {"facts", "report_evaluation", "report_preview", "report_deployment"} <= set(watch.asked)
    assert len(jobs()) == 1


def test_sweeps_ask_with_nothing_open(scene: Scene, watch: Watch) -> None:
    services.open_pull(scene.project, "feature", by=Actor.person("alice"))
    watch.asked.clear()
    sweeps.sweep_forges(Forges())
    assert "open_pull_requests" in watch.asked and PullRequest.objects.get().state == "open"
    assert watch.refs == ["refs/heads/feature"]
    scene.work.git("checkout", "-q", "main")
    scene.work.git("branch", "-q", "-D", "feature")
    sweeps.sweep_forges(Forges())
    assert PullRequest.objects.get().state == "closed"
    assert "git for-each-ref" in watch.asked


def test_a_repository_is_registered_opened_and_closed_with_nothing_open(scene: Scene, watch: Watch) -> None:
    connection = scene.project.connection
    assert services.register(connection, str(scene.work.path), by=Actor.person("alice")) == scene.project
    services.open_pull(scene.project, "feature", by=Actor.person("alice"))
    services.open_pull(scene.project, "feature", by=Actor.person("alice"))
    services.close_pull(scene.project, "feature", by=Actor.person("alice"))
    assert LocalPullRequest.objects.get().state == "closed"
    assert {"git for-each-ref", "git rev-parse"} <= set(watch.asked)


def test_desired_states_in_the_relay_ask_nobody(scene: Scene, watch: Watch) -> None:
    deliver(scene, "pull_request", pull_request(scene))
    placement = placements().get()
    said: list[str] = []

    def send(row: Any) -> None:
        if row.subject == outbox.Instruction.DESIRED:
            message = desired(placement)
            assert message is not None
            said.append(message.source.clone_url)

    outbox.relay(send)
    assert said and set(said) == {scene.project.clone_url} and watch.asked == []


def test_a_forge_that_never_answers_holds_up_nobody_else(
    scene: Scene, watch: Watch, lanes: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one thread waits for it, everything that does not need it is done."""
    blocked, go_on = threading.Event(), threading.Event()
    facts = WatchedForge.facts

    def dawdles(self: WatchedForge, project: Project, *rest: Any) -> TakenFacts:
        blocked.set()
        assert go_on.wait(60)
        return facts(self, project, *rest)

    monkeypatch.setattr(WatchedForge, "facts", dawdles)
    deliver(scene, "pull_request", pull_request(scene))

    def wait_for_it() -> None:
        try:
            lanes()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(wait_for_it)
        try:
            assert blocked.wait(60)
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '10s'")
            deliver(
                scene,
                "push",
                {"ref": "refs/heads/feature", "after": scene.commit, "repository": repository(scene)},
            )
            outbox.relay(lambda _: None)
            services.open_pull(scene.project, "feature", by=Actor.person("alice"))
        finally:
            go_on.set()
            connection.close()
        asking.result(60)
    assert len(jobs()) == 2


def test_expressions_are_matched_outside_whoever_has_policies_run(
    scene: Scene, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is remembered here, so each of these needs the answer anew."""
    services.open_pull(scene.project, "feature", by=Actor.person("alice"))
    sweeps.sweep_forges(Forges())
    evaluation, pull = Evaluation.objects.get(), PullRequest.objects.get()
    answers = factories.policy(scene.project.workspace, "Answers")
    PolicyVersion.objects.filter(pk=answers.pk).update(live=True)
    Policy.objects.update(criteria={"ref": "feature"})
    row = CommandComment.objects.create(
        pull_request=pull, comment="1", author="ann", commands=[Verb.RERUN], head_sha=scene.commit
    )
    rescan = Rescan.objects.create(workspace=scene.project.workspace)
    target = RescanTarget.objects.create(
        rescan=rescan, project=scene.project, pull_request=pull, outcome=Outcome.UNDER_WAY
    )
    for ask in (
        lambda: again(evaluation, by=Actor.person("alice")),
        lambda: obeying._carry_out(row, True, None),
        lambda: float_preview({"pull_request": pull.pk}),
        lambda: carry_out(Forges(), {"target": target.pk}),
    ):
        refs._answers.clear()
        watch.refs.clear()
        Evaluation.objects.update(state="passed")
        ask()
        assert set(watch.refs) == {"refs/heads/feature"}


def test_what_changes_while_an_expression_is_matched_counts(
    scene: Scene, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy is for another branch by the time its expression has been matched."""

    def change(pattern: str, ref: str) -> bool:
        Policy.objects.update(criteria={"ref": "^release$"})
        return watch.search_ref(pattern, ref)

    monkeypatch.setattr(refs, "search_ref", change)
    made = evaluate(scene.project, commit=scene.commit, ref="refs/heads/feature", event=EventKind.PUSH)
    assert made is None and watch.refs == ["refs/heads/feature"] * 2
