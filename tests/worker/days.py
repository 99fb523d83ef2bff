"""Days of a small team, lived through the functions that the worker calls. Nobody sleeps: the clock is set."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.sealing import seal
from seatrial.control.fleet import services as fleet
from seatrial.control.forges import registry
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.local import pulls
from seatrial.control.forges.local.forge import LocalForge
from seatrial.control.forges.local.models import LocalPullRequest
from seatrial.control.forges.local.registration import LOCAL
from seatrial.control.forges.protocol import EVERYTHING, Asked, TakenFacts
from seatrial.control.outbox import services as outbox
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.scores.models import DailyScore
from seatrial.control.previews import services as previews
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from seatrial.control.worker import errands, retention
from seatrial.control.worker.aside import Aside
from seatrial.control.worker.database import Database
from seatrial.control.worker.deliveries import Deliveries
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire.deployments import DeploymentPhase, DeploymentReady, EnvironmentRemoved
from seatrial.wire.evaluations import EvaluationFinished, EvaluationStarted, ForgeFacts, PolicyResult
from seatrial.wire.states import EvaluationState, Isolation, ResultState
from tests import factories
from tests.previews.scenario import Scenario, web
from tests.worker.test_deliveries import payload


class Telling(LocalForge):
    """Knows a branch's name and takes every report."""

    def facts(
        self,
        project: Project,
        commit: str,
        known: TakenFacts | None = None,
        asked: frozenset[Asked] = EVERYTHING,
    ) -> TakenFacts:
        return TakenFacts(facts=ForgeFacts(default_branch="main"), etags={})


@dataclass
class Days:
    """One project, one agent, and a clock that only `later` moves."""

    monkeypatch: pytest.MonkeyPatch
    now: datetime = field(default_factory=timezone.now)
    number: int = 0

    def __post_init__(self) -> None:
        self.monkeypatch.setattr(timezone, "now", lambda: self.now)
        forge = Telling()
        self.monkeypatch.setitem(registry.FORGES, "local", replace(LOCAL, bind=lambda _: forge))
        self.project = factories.project(factories.workspace(), "shop", ttl_hours=24 * 365)
        self.policies = [factories.policy(self.project.workspace, name) for name in ("One", "Two")]
        self.agent = factories.agent(state="online")
        self.deliveries = Deliveries(Database(1), Wakeups([]))
        forges = Forges()
        self.facts, *self.lanes = (
            Aside(Database(1), Wakeups([]), errand)
            for errand in (
                errands.facts(forges), errands.reports(forges), errands.scores(), errands.signatures()
            )
        )  # fmt: skip

    def later(self, **passed: float) -> None:
        self.now += timedelta(**passed)

    def tell(self, action: str, number: int, commit: str = "") -> None:
        """A pull request's webhook comes in."""
        self.later(minutes=1)
        body = payload(self.project, action, commit or factories.sha())
        news = body["pull_request"]
        news["number"] = body["number"] = number
        news["head"]["ref"] = f"change-{number}"
        news["updated_at"] = self.now.isoformat()
        factories.delivery(self.project.connection, body=json.dumps(body).encode())

    def push(self, branch: str = "main") -> None:
        self.later(minutes=1)
        repository = payload(self.project)["repository"]
        body = {
            "ref": f"refs/heads/{branch}",
            "before": "0" * 40,
            "after": factories.sha(),
            "repository": repository,
        }
        factories.delivery(self.project.connection, event="push", body=json.dumps(body).encode())

    def open(self) -> int:
        self.number += 1
        self.tell("opened", self.number)
        self.settle()
        return self.number

    def settle(self) -> None:
        """The worker's and the agent's part, until nobody has anything to do."""
        while self.deliveries.batch():
            pass
        while self.facts.one():
            pass
        self.evaluate()
        self.deploy()
        while outbox.relay(lambda _: None):
            pass

    def evaluate(self) -> None:
        for evaluation in Evaluation.objects.filter(state=EvaluationState.QUEUED):
            policies.started(self.agent.pk, EvaluationStarted(evaluation=evaluation.pk))
            results = [
                PolicyResult(version_id=version.pk, slug=version.policy.slug, state=ResultState.PASSED)
                for version in self.policies
            ]
            finished = EvaluationFinished(
                evaluation=evaluation.pk, state=EvaluationState.PASSED, results=results, seconds=1
            )
            policies.finished(self.agent.pk, finished)

    def deploy(self) -> None:
        for environment in Environment.objects.exclude(candidate=None):
            of = {"environment": environment.pk, "deployment": str(environment.candidate_id)}
            phase = DeploymentPhase(**of, phase="build web", started_at=self.now, seconds=1)
            previews.phase(self.agent.pk, phase)
            ready = DeploymentReady(**of, services=[web()], isolation=Isolation.CONTAINER)
            previews.ready(self.agent.pk, ready)
        Scenario(self.project, self.agent).switch()
        for environment in Environment.objects.filter(state="terminated", removed_at=None):
            previews.removed(self.agent.pk, EnvironmentRemoved(environment=environment.pk))

    def ordinary_day(self, *also: int, lasts: float = 1) -> None:
        """A pull request opens, moves and closes, `also` others move; people sign in, look around and mistype; `lasts` days
        after it began the worker prunes."""
        started = self.now
        number = self.open()
        for moved in (number, *also):
            self.tell("synchronize", moved)
        self.push(f"change-{number}")
        self.push()
        self.settle()
        self.tell("closed", number)
        self.local_pull_request()
        session = SessionStore()
        session.set_expiry(timedelta(days=14))
        session.create()
        cache.set(f"failed:{self.now:%j}:{self.number}", 1, timeout=60)
        fleet.issue_bootstrap("another", by=Actor.person("test"))
        factories.delivery(self.project.connection, result="rejected (signature)")
        self.now = started + timedelta(days=lasts)
        previews.expire()
        self.settle()
        for lane in self.lanes:
            while lane.one():
                pass
        seal()
        retention.prune()

    def local_pull_request(self) -> None:
        row = pulls.open_pull(self.project, f"topic-{self.number}", factories.sha())
        LocalPullRequest.objects.filter(pk=row.pk).update(announced_state="open")
        pulls.close_pull(self.project, row.branch)
        LocalPullRequest.objects.filter(pk=row.pk).update(announced_state="closed")


def counted() -> Counter[str]:
    """Rows of every table of the database, but of those that are kept for ever, or for more than a hundred days."""
    with connection.cursor() as cursor:
        kept = {"audit_log", "audit_chain", "previews_label", DailyScore._meta.db_table}
        names = [name for name in connection.introspection.table_names(cursor) if name not in kept]
        counts: Counter[str] = Counter()
        for name in names:
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(name)}")
            counts[name] = cursor.fetchone()[0]
    return counts
