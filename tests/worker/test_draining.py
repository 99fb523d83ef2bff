"""An agent is drained through the REST API while visitors come: what can move is elsewhere afterwards, and nobody noticed."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from seatrial.control.accounts import tokens
from seatrial.control.audit.actors import Actor
from seatrial.control.projects.models import Project
from tests import factories
from tests.waiting import LIMIT_SECONDS
from tests.worker.conftest import Join, Repository, open_pull
from tests.worker.scripted_agent import ScriptedAgent
from tests.worker.stack import DOMAIN, PLAIN, Stack, eventually
from tests.worker.test_main_job import served, wait_for
from tests.worker.test_two_agents import DB, Pull

pytestmark = [pytest.mark.postgres, pytest.mark.nats, pytest.mark.traefik]


@contextlib.contextmanager
def visited(stack: Stack, *names: str) -> Iterator[Counter[tuple[str, int]]]:
    """Visitors of these previews, one after the other, until the end; what they were answered (0: nothing)."""
    answers: Counter[tuple[str, int]] = Counter()
    over = threading.Event()

    def visit(name: str) -> None:
        there = f"http://127.0.0.1:{stack.traefik.web}"
        with httpx.Client(
            base_url=there, headers={"Host": f"{name}.{DOMAIN}"}, timeout=LIMIT_SECONDS, **PLAIN
        ) as web:
            while not over.wait(0.03):
                try:
                    answers[name, web.get("/").status_code] += 1
                except httpx.HTTPError:
                    answers[name, 0] += 1

    visitors = [threading.Thread(target=visit, args=(name,)) for name in names]
    for one in visitors:
        one.start()
    try:
        yield answers
    finally:
        over.set()
        for one in visitors:
            one.join(LIMIT_SECONDS)


def test_what_runs_moves_to_another_host_without_one_failed_request_and_data_stays_with_its_reason(
    stack: Stack, agent: ScriptedAgent, join: Join, project: Project, repository: Repository
) -> None:
    pull = Pull(stack, project, repository)
    agent.extra = [DB]
    pinned = repository.commit("data", "with data")
    open_pull(project, "data")
    wait_for(stack, pinned, "pr-2-shop")
    two = join("two")
    token = tokens.issue(factories.user("root", is_superuser=True), "t", by=Actor.person("root"))
    path = f"{stack.url}/api/v1/agents/{agent.id}"

    def asked(method: str, order: str = "") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.request(method, path + order, headers=headers, timeout=LIMIT_SECONDS, **PLAIN)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    with visited(stack, "pr-1-shop", "pr-2-shop") as answers:
        begun = {row["name"]: row for row in asked("POST", "/drain")["residents"]}
        assert begun["pr-1-shop"]["step"] == "moving" and begun["pr-1-shop"]["to"] == "two"
        assert (
            begun["pr-2-shop"]["step"] == "stays" and "the data of db is here" in begun["pr-2-shop"]["reason"]
        )
        eventually(lambda: asked("GET")["ahead"] == 0, what="everything that moves has moved")
        seen = answers["pr-1-shop", 200]
        eventually(lambda: answers["pr-1-shop", 200] > seen + 20, what="visitors where it is now")
    assert {status for _, status in answers} == {200}, answers
    assert pull.live_on(two) and pull.has_left(agent) and pull.is_there(two)
    assert served(stack, "pr-2-shop") == pinned
    assert [row["name"] for row in asked("GET")["residents"]] == ["pr-2-shop"]
    assert asked("POST", "/undrain")["state"] == "online"
    assert pull.live_on(two), "what has moved stays where it is"
