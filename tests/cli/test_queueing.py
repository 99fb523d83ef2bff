"""A command that waits for an absent agent says so."""

from pathlib import Path
from typing import Any

import pytest

from seatrial.cli import queueing
from tests.cli.conftest import FakeApi, git


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "FIRST_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(queueing, "PATIENCE_SECONDS", 0.5)


def queued(api: FakeApi, agent: str) -> None:
    api.routes["POST /local/projects"] = lambda _: (200, {"id": "P", "name": "dinghy"})
    api.routes["POST /projects/P/evaluations"] = lambda _: (200, {"id": "E"})
    api.routes["GET /status"] = lambda _: (200, {"agents": [{"name": "local", "state": agent}]})
    api.routes["GET /evaluations/E"] = lambda _: (200, {"id": "E", "state": "queued"})


def test_a_check_that_no_agent_takes_ends_with_2_and_says_why(
    cli: Any, api: FakeApi, repository: Path
) -> None:
    queued(api, "offline")
    code, _, err = cli("check", str(repository))
    assert code == 2
    assert "no agent was online" in err and "seatrial doctor" in err


def test_why_no_policy_can_run_is_said_while_it_waits(cli: Any, api: FakeApi, repository: Path) -> None:
    queued(api, "online")
    agent = {"name": "local", "state": "online", "sandbox_problem": "no runsc"}
    api.routes["GET /status"] = lambda _: (200, {"agents": [agent]})
    ended = {"id": "E", "commit": "c", "state": "errored", "message": "No policy can run", "results": []}
    answers = iter([{"id": "E", "state": "queued"}] * 3)
    api.routes["GET /evaluations/E"] = lambda _: (200, next(answers, ended))
    _, out, _ = cli("check", str(repository))
    assert out.count("no policy can run on local: no runsc") == 1


def test_what_an_agent_will_take_is_waited_for(cli: Any, api: FakeApi, repository: Path) -> None:
    queued(api, "online")
    asked = 0

    def evaluation(_: dict[str, Any]) -> tuple[int, Any]:
        nonlocal asked
        asked += 1
        done = {"id": "E", "commit": git(repository, "rev-parse", "HEAD"), "state": "passed", "results": []}
        return 200, done if asked > 4 else {"id": "E", "state": "queued"}

    api.routes["GET /evaluations/E"] = evaluation
    code, out, _ = cli("check", str(repository))
    assert code == 0
    assert "no agent" not in out


def test_what_the_work_waits_for_is_said_once(cli: Any, api: FakeApi, repository: Path) -> None:
    queued(api, "online")
    waits = {"id": "E", "state": "queued", "waits_for": "agent lee, which is offline"}
    ended = {"id": "E", "commit": "c", "state": "passed", "results": []}
    answers = iter([waits] * 3)
    api.routes["GET /evaluations/E"] = lambda _: (200, next(answers, ended))
    _, out, _ = cli("check", str(repository))
    assert out.count("waits for agent lee, which is offline") == 1
