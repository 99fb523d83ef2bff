"""After a fetch with a credential of the forge, its password is stored nowhere."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from structlog.testing import capture_logs

from seatrial.agent.checkouts.cache import Cache
from seatrial.control.bus import Bus
from seatrial.control.forges.protocol import FetchCredential
from seatrial.control.outbox import services as outbox
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies import queueing
from seatrial.control.policies import services as policies
from seatrial.control.policies.models import Evaluation
from seatrial.control.projects.models import Project
from seatrial.control.worker.database import Database
from seatrial.control.worker.relay import Relay
from seatrial.control.worker.wakeups import Wakeups
from seatrial.wire import subjects
from seatrial.wire.deployments import DesiredEnvironment
from seatrial.wire.envelope import Envelope
from seatrial.wire.evaluations import EvaluationStarted, ForgeFacts, RunEvaluation
from tests import factories
from tests.bus.conftest import bus, configuration, nats_server
from tests.checkouts.site import USERNAME, Site
from tests.checkouts.test_cache import commit, git, repository
from tests.folders import contents
from tests.forges.toy import ToyForge
from tests.worker.askers import Fleet, answering, fleet_of_two, site

__all__ = ["bus", "configuration", "fleet_of_two", "nats_server", "repository", "site"]
pytestmark = [pytest.mark.nats, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def host(
    fleet_of_two: Fleet, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """Serves the project's repository. The forge's passwords open it, each for two requests: one fetch."""
    (tmp_path / "host").mkdir()
    host = Site(tmp_path / "host", repository.parent)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(host.authority))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    requests = iter([1, 2, 2])

    def give(_: ToyForge, project: Project) -> FetchCredential:
        password = host.password(requests=next(requests))
        return FetchCredential(
            username=USERNAME, password=password, expires_at=timezone.now() + timedelta(hours=1)
        )

    monkeypatch.setattr(ToyForge, "fetch_credential", give)
    Project.objects.update(clone_url=f"{host.url}/repo")
    yield host
    host.stop()


def prepare(scene: Fleet, evaluated: str) -> Evaluation:
    """A job and a desired state on their way to the bus."""
    assert scene.environment.pull_request is not None
    evaluation = factories.evaluation(scene.environment.pull_request, state="queued", commit=evaluated)
    evaluation.versions.add(factories.policy(evaluation.project.workspace))
    outbox.changed_environment(scene.environment.pk)
    queueing.queue(evaluation.pk, ForgeFacts())
    return evaluation


def everything_stored(directory: Path) -> bytes:
    """The database as text, and every file below `directory`."""
    rows: list[str] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT one::text FROM "{table}" one')
            rows += [row[0] for row in cursor.fetchall()]
    return b"\n".join(["\n".join(rows).encode(), *(held for _, held in contents(directory))])


async def of_the_bus(bus: Bus, agent: str) -> tuple[DesiredEnvironment, RunEvaluation]:
    (envelope,) = (await bus.desired(agent)).desired.values()
    assert envelope is not None
    job = await bus.jetstream.get_last_msg(subjects.JOBS_STREAM, subjects.evaluation_jobs("*"))
    opened = Envelope.decode(job.data or b"").open()
    wanted = envelope.open()
    assert isinstance(wanted, DesiredEnvironment) and isinstance(opened, RunEvaluation)
    return wanted, opened


async def test_no_password_is_found_anywhere(
    database: Database,
    bus: Bus,
    fleet_of_two: Fleet,
    host: Site,
    repository: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    head = git(repository, "rev-parse", "HEAD")
    (repository / "more").write_text("1")
    newer = commit(repository)
    evaluation = await database.run(prepare, fleet_of_two, newer)
    await database.run(Relay(database, bus, Wakeups([])).batch)
    one = fleet_of_two.agents["one"].pk
    wanted, job = await of_the_bus(bus, one)
    assert wanted.source.needs_credential and job.source == wanted.source
    cache = Cache(tmp_path / "agent" / "git")
    with capture_logs() as lines:
        async with answering(database, bus), fleet_of_two.asking("one") as asks:
            tree = await cache.fetch(
                wanted.source, wanted.repository, head, asks.for_environment(wanted.environment)
            )
            assert await tree.read("README.md") == b"hello\n"
            await database.run(policies.started, one, EvaluationStarted(evaluation=evaluation.pk))
            tree = await cache.fetch(
                job.source, job.repository, job.commit, asks.for_evaluation(job.evaluation)
            )
            assert await tree.read("more") == b"1"
    assert len(host.left) == 3, "the first one ended in the middle of a fetch, and was replaced"
    stored = await database.run(everything_stored, tmp_path)
    assert stored.count(host.url.encode()) > 2, "the rows and the streams were looked through"
    assert await database.run(OutboxMessage.objects.exclude(published_at=None).count) == 2
    logged = repr(lines) + caplog.text
    assert logged.count("credential given") >= 3
    for password in host.left:
        assert password.encode() not in stored
        assert password not in logged
    assert host.seen == set(), "in a process list"
