"""After kill -9 of worker, bus and ingress, or cut connections, nothing is lost and everything recovers by itself."""

import random
import time

import nats
import nats.errors
import pytest
from django.db import connection
from nats.errors import NoRespondersError
from nats.js.errors import NoKeysError

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.local import services as local
from seatrial.control.forges.models import Delivery
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from seatrial.wire import subjects
from seatrial.wire.credentials import AskCredential, CredentialRefused
from seatrial.wire.envelope import Envelope
from tests import factories
from tests.waiting import LIMIT_SECONDS
from tests.worker.conftest import Repository, open_pull
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import Stack, eventually
from tests.worker.test_main_job import served, wait_for

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik]


def test_worker_killed_between_commit_and_publish_loses_nothing(
    stack: Stack, agent: ScriptedAgent, project: Project, repository: Repository
) -> None:
    factories.policy(project.workspace, "Has readme")
    stack.nats.kill()  # so that what is committed cannot be published
    commit = repository.commit("feature", "one")
    open_pull(project)
    eventually(Evaluation.objects.exists, what="the delivery is handled without a bus")
    assert OutboxMessage.objects.filter(published_at=None).count() >= 2
    stack.kill("worker")
    stack.nats.start()
    time.sleep(0.5)
    assert not agent.desired
    stack.start_worker()
    eventually(lambda: served(stack) == commit, what="it is served")
    eventually(Evaluation.objects.filter(state="passed").exists, seconds=LIMIT_SECONDS, what="a verdict")
    eventually(lambda: not OutboxMessage.objects.filter(published_at=None).exists(), what="all is published")
    assert Evaluation.objects.count() == Environment.objects.count() == 1


def test_bus_killed_and_database_connections_cut_are_waited_for(
    stack: Stack, agent: ScriptedAgent, project: Project, repository: Repository
) -> None:
    first = repository.commit("feature", "one")
    open_pull(project)
    eventually(lambda: served(stack) == first)
    stack.nats.kill()
    second = repository.commit("feature", "two")
    eventually(
        lambda: Delivery.objects.filter(handled_at=None).count() == 0 and Delivery.objects.count() == 2
    )
    stack.nats.start()
    eventually(lambda: served(stack) == second, what="the second commit is served")
    assert stack.log("worker").count("the bus is away") <= 3  # said, and not again and again
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 2
    third = repository.commit("feature", "three")
    eventually(lambda: served(stack) == third, what="the third commit is served")


def test_traefik_killed_before_the_switch_delays_it(
    stack: Stack, agent: ScriptedAgent, project: Project, repository: Repository
) -> None:
    stack.traefik.kill()
    commit = repository.commit("feature", "one")
    open_pull(project)
    environment = eventually(lambda: Environment.objects.filter(candidate__ready_at__isnull=False).first())
    time.sleep(0.5)
    environment.refresh_from_db()
    assert environment.live is None, "nothing is live before Traefik shows it"
    stack.traefik.start()
    eventually(lambda: served(stack) == commit)
    eventually(lambda: Environment.objects.get().state == "running")


def test_lost_routes_and_meddled_desired_state_are_repaired(
    stack: Stack, agent: ScriptedAgent, project: Project, repository: Repository, background
) -> None:
    commit = repository.commit("feature", "one")
    open_pull(project)
    eventually(lambda: served(stack) == commit)
    environment = eventually(lambda: Environment.objects.filter(state="running").first())
    stack.kill("worker")
    stack.traefik.routes.unlink()
    eventually(lambda: stack.traefik.get("pr-1-shop").status_code == 404, what="the routes are lost")
    stack.start_worker()
    eventually(lambda: served(stack) == commit)

    async def bucket(meddle: bool) -> set[str]:
        credentials = str(stack.nats.identity.control_credentials)
        client = await nats.connect(stack.nats.url, user_credentials=credentials)
        try:
            desired = await client.jetstream().key_value(f"desired-{agent.id}")
            if meddle:
                await desired.put("01STRANGER", (await desired.get(environment.pk)).value)
                await desired.delete(environment.pk)
            return set(await desired.keys())
        except NoKeysError:  # in the middle of the repair
            return set()
        finally:
            await client.close()

    background.run(bucket(meddle=True))
    eventually(
        lambda: background.run(bucket(meddle=False)) == {environment.pk}, what="the bucket is repaired"
    )
    eventually(lambda: environment.pk in agent.desired, what="the agent has it back")


def kill(stack: Stack, victim: str) -> None:
    {"worker": lambda: stack.kill("worker"), "bus": stack.nats.kill, "ingress": stack.traefik.kill}[victim]()


def start(stack: Stack, victim: str) -> None:
    {"worker": stack.start_worker, "bus": stack.nats.start, "ingress": stack.traefik.start}[victim]()


def test_agents_that_ask_for_credentials_are_answered_by_whichever_worker_lives(
    stack: Stack, agent: ScriptedAgent, project: Project, repository: Repository, background
) -> None:
    commit = repository.commit("feature", "one")
    open_pull(project)
    eventually(lambda: served(stack) == commit)
    environment = Environment.objects.get()
    question = AskCredential(environment=environment.pk, repository=project.pk)

    async def answer(seconds: float = 5) -> str:
        try:
            subject = subjects.credentials(agent.id)
            reply = await agent.client.request(subject, Envelope.wrap(question).encode(), timeout=seconds)
        except NoRespondersError:
            return "nobody"
        except nats.errors.TimeoutError:  # taken by the worker that is killed: an agent asks again
            return "silence"
        refused = Envelope.decode(reply.data).open()
        assert isinstance(refused, CredentialRefused)
        return refused.code

    assert background.run(answer(30)) == "no_credential", "a local repository needs none"
    stack.kill("worker")
    eventually(lambda: background.run(answer()) == "nobody", what="the bus knows that it is gone")
    stack.start_worker()
    eventually(lambda: background.run(answer()) == "no_credential", what="the next one answers")


def test_storm_of_pushes_with_kills_ends_right(
    stack: Stack,
    agent: ScriptedAgent,
    project: Project,
    repository: Repository,
    chance: random.Random,
    request: pytest.FixtureRequest,
) -> None:
    factories.policy(project.workspace, "Has readme")
    heads: dict[str, str] = {}
    # In CI these die once each, in a campaign any of them, four times over.
    drawn = bool(request.config.getoption("--campaign-seed"))
    for turn in range(4 if drawn else 2):
        for name in ("a", "b", "c", "d", "e"):
            repository.git("checkout", "-q", "main")
            heads[name] = repository.commit(name, f"{name} {turn}")
            open_pull(project, name)
        if turn == 0:
            eventually(lambda: Environment.objects.count() == len(heads), what="five environments")
        victims = [["worker", "ingress"], ["bus"]][turn % 2]
        if drawn:
            victims = chance.sample(["worker", "bus", "ingress"], k=chance.randint(1, 3))
        for victim in victims:
            kill(stack, victim)
        time.sleep(chance.random())  # at any moment of their start
        for victim in victims:
            start(stack, victim)
    for name in ("b", "d"):
        local.close_pull(project, name, by=Actor.person("test"))
    stack.kill("worker")
    stack.start_worker()
    numbers = {name: open_pull(project, name).number for name in ("a", "c", "e")}
    for name, number in numbers.items():
        wait_for(stack, heads[name], f"pr-{number}-shop")
    expected = {("running", heads[name]) for name in numbers}
    eventually(
        lambda: (
            {(e.state, e.live and e.live.commit) for e in Environment.objects.filter(removed_at=None)}
            == expected
        ),
        what="three run and two are gone",
    )
    assert [e.state for e in Environment.objects.exclude(removed_at=None)] == ["terminated"] * 2
    for name in numbers:
        eventually(
            Evaluation.objects.filter(commit=heads[name], state="passed").exists,
            seconds=LIMIT_SECONDS,
            what=f"a verdict on {name}",
        )
    assert not Evaluation.objects.filter(state="errored").exists()
