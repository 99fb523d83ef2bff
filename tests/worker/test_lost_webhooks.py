"""The forge is the truth, and webhooks only make things faster: the result is right even if every webhook is refused."""

import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.local import services as local
from seatrial.control.forges.models import Comparison, Delivery, Drift
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Connection, Project, PullRequest
from tests.worker.conftest import Repository, open_pull
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import Stack, eventually
from tests.worker.test_main_job import served, wait_for

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik]


def living() -> int:
    return Environment.objects.exclude(state="terminated").count()


def opened(repository: Repository, project: Project, branch: str) -> str:
    repository.git("checkout", "-q", "main")
    commit = repository.commit(branch, branch)
    open_pull(project, branch)
    return commit


def set_secret(project: Project, secret: str) -> str:
    """Without one the web process refuses every webhook with 401. Returns what it was."""
    connection = Connection.objects.get(pk=project.connection_id)
    before, connection.webhook_secret = connection.webhook_secret, secret
    connection.save()
    return before


def sweep_now(stack: Stack) -> None:
    """A worker looks at every forge seconds after its start, and then once a minute."""
    stack.kill("worker")
    stack.start_worker()


def test_refused_webhooks_cost_time_and_nothing_else(
    stack: Stack, agent: ScriptedAgent, project: Project, repository: Repository
) -> None:
    for number, branch in enumerate(("a", "b", "c"), 1):
        wait_for(stack, opened(repository, project, branch), f"pr-{number}-shop")
    eventually(lambda: Environment.objects.filter(state="running").count() == 3)
    accepted = Delivery.objects.filter(result="accepted").count()

    secret = set_secret(project, "")
    for branch in ("a", "b"):
        local.close_pull(project, branch, by=Actor.person("test"))
    repository.git("checkout", "-q", "main")
    repository.git("branch", "-q", "-D", "c")
    eventually(
        lambda: Delivery.objects.exclude(result="accepted").count() >= 3, what="the webhooks are refused"
    )
    stack.kill("worker")  # on a busy machine it has looked at the project by now
    for noted in (Comparison, Drift):
        noted.objects.all().delete()
    stack.start_worker()
    eventually(lambda: living() == 0, what="every close is found at the forge")
    assert Delivery.objects.filter(result="accepted").count() == accepted, "nobody has told"
    eventually(lambda: not Environment.objects.filter(removed_at=None).exists(), what="the agent removed all")
    eventually(lambda: not agent.desired, what="nothing is desired")
    for number in (1, 2, 3):
        eventually(lambda number=number: stack.traefik.get(f"pr-{number}-shop").status_code == 404)

    commit = opened(repository, project, "d")
    sweep_now(stack)
    wait_for(stack, commit, "pr-4-shop")
    eventually(lambda: living() == 1)
    assert Delivery.objects.filter(result="accepted").count() == accepted, "no webhook helped"
    assert [row.kind for row in Drift.objects.all()] == ["opened"], "the first look at a project is no drift"

    set_secret(project, secret)
    eventually(
        lambda: (
            not Delivery.objects.filter(result="accepted", handled_at=None).exists()
            and Delivery.objects.filter(result="accepted").count() == accepted + 4
        ),
        what="what was refused is told late",
    )
    assert living() == 1, "late news of what is known brings nothing back"
    assert PullRequest.objects.filter(state="open").count() == 1
    eventually(lambda: not Drift.objects.exists(), what="the webhooks were only late")
    assert (Environment.objects.count(), served(stack, "pr-4-shop")) == (4, commit)
