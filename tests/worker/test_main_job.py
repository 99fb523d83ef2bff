"""The control plane's half of the main job, over real HTTP, bus, database and ingress."""

import threading
from collections import Counter

import httpx
import pytest

from seatrial.control.audit.actors import Actor
from seatrial.control.forges.local import services as local
from seatrial.control.forges.models import Delivery
from seatrial.control.policies.models import Evaluation
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from tests import factories
from tests.waiting import LIMIT_SECONDS
from tests.worker.conftest import Repository, open_pull
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import PLAIN, Backend, Stack, eventually

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik]


def served(stack: Stack, label: str = "pr-1-shop") -> str:
    try:
        return stack.traefik.get(label).text
    except httpx.TransportError:
        return ""


def wait_for(stack: Stack, commit: str, label: str = "pr-1-shop", seconds: float = LIMIT_SECONDS) -> None:
    eventually(lambda: served(stack, label) == commit, seconds=seconds, what=f"{label} serves {commit}")


def test_from_branch_to_url_and_verdict_and_away_again(
    stack: Stack,
    agent: ScriptedAgent,
    project: Project,
    repository: Repository,
    backends: dict[str, Backend],
) -> None:
    factories.policy(project.workspace, "Has readme")
    first = repository.commit("feature", "one")
    open_pull(project)
    eventually(lambda: served(stack) == first, what=f"the first commit is served: {stack.log('worker')}")
    environment = eventually(lambda: Environment.objects.filter(state="running").first())
    assert [p.name for p in environment.live.phases.all()][-1] == "switch"
    evaluation = eventually(lambda: Evaluation.objects.filter(state="passed").first(), what="a verdict")
    assert (evaluation.commit, evaluation.score, evaluation.isolation) == (first, 100.0, "runsc")
    delivery = Delivery.objects.get()
    assert delivery.handled_at and evaluation.pk in delivery.outcome

    second = repository.commit("feature", "two")
    eventually(lambda: served(stack) == second, what="the second commit is served")
    while backends:
        backends.popitem()[1].stop()
    page = stack.traefik.get("pr-1-shop")
    assert page.status_code == 502 and "does not answer" in page.text

    local.close_pull(project, "feature", by=Actor.person("test"))
    eventually(lambda: Environment.objects.get().removed_at, what="the agent removed it")
    eventually(lambda: stack.traefik.get("pr-1-shop").status_code == 404, what="its route is gone")
    page = stack.traefik.get("pr-1-shop", "/any/path")
    assert page.status_code == 404 and "stopped" in page.text
    assert stack.traefik.get("pr-9-nothing").status_code == 404
    # Nothing of the dashboard is under the preview's name, through Traefik or around it.
    beside = {"Host": f"pr-1-shop.preview.localhost:{stack.port}"}
    for page in (
        stack.traefik.get("pr-1-shop", "/accounts/login/"),
        httpx.get(f"http://127.0.0.1:{stack.port}/accounts/login/", headers=beside, **PLAIN),
    ):
        assert page.headers["X-Seatrial-Preview"] == "terminated" and "Set-Cookie" not in page.headers


def test_two_workers_share_the_work_and_no_request_fails_while_versions_change(
    stack: Stack, agent: ScriptedAgent, project: Project, repository: Repository
) -> None:
    factories.policy(project.workspace, "Has readme")
    stack.start_worker("second worker")
    commit = repository.commit("feature", "zero")
    open_pull(project)
    eventually(lambda: served(stack) == commit)
    answers: list[int] = []
    over = threading.Event()

    def visit() -> None:
        headers = {"Host": "pr-1-shop.preview.localhost"}
        with httpx.Client(
            base_url=f"http://127.0.0.1:{stack.traefik.web}",
            headers=headers,
            timeout=LIMIT_SECONDS,
            trust_env=False,
        ) as web:
            while not over.wait(0.03):  # all the time, and yet the others have a processor, too
                try:
                    answers.append(web.get("/").status_code)
                except httpx.HTTPError:
                    answers.append(0)

    visitors = [threading.Thread(target=visit) for _ in range(2)]
    for visitor in visitors:
        visitor.start()
    for number in range(3):
        commit = repository.commit("feature", str(number))
        wait_for(stack, commit)
        before = len(answers)
        eventually(lambda before=before: len(answers) > before + 20, what="visitors of this version")
    over.set()
    for visitor in visitors:
        visitor.join(LIMIT_SECONDS)
        assert not visitor.is_alive()
    assert Counter(answers).keys() == {200}, Counter(answers)
    eventually(lambda: not Evaluation.objects.exclude(state__in=["passed", "superseded"]).exists())
    assert (Environment.objects.count(), Evaluation.objects.count()) == (1, 4)
