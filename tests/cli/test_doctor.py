"""`seatrial doctor`: what is wrong is named with its reason."""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from seatrial.cli import doctor as doctor_module
from seatrial.cli.app import app
from seatrial.embedded.engine import detect
from seatrial.embedded.processes import Records
from tests.cli.conftest import FakeApi
from tests.waiting import eventually


def agent(state: str = "online", *warnings: str) -> dict[str, Any]:
    return {"id": "01A", "name": "local", "state": state, "warnings": list(warnings)}


def doctor(
    api: FakeApi,
    sandbox: str,
    *agents: dict[str, Any],
    waits_for: str = "",
    warning: str = "",
    connections: Sequence[dict[str, str]] = (),
) -> tuple[int, str]:
    platform: dict[str, Any] = {
        "url": "http://x",
        "ingress_port": 8080,
        "runtime": "docker",
        "sandbox": sandbox,
        "python": "3.13.5" if sandbox else "",
    }
    platform |= {"waits_for": waits_for, "warnings": [warning] if warning else []}
    api.routes["GET /status"] = lambda _: (
        200,
        {
            "platform": platform,
            "agents": list(agents),
            "connections": list(connections),
            "projects": [],
        },
    )
    done = CliRunner().invoke(app, ["doctor"])
    return done.exit_code, done.output


def test_lines_about_a_host_are_shown_with_every_line_of_their_fix_and_not_said_again(api: FakeApi) -> None:
    full = {"about": "disk", "well": False, "text": "3 MB free", "fix": "one\ntwo", "grave": True}
    well = {"about": "engine", "well": True, "text": "Docker Engine 20.10 answers", "fix": "", "grave": True}
    code, said = doctor(api, "runsc", agent("online", "3 MB free", "another") | {"host": [well, full]})
    assert lines(said, "agent local:") == [
        "✓ agent local: Docker Engine 20.10 answers",
        "✗ agent local: 3 MB free",
    ]
    assert "    one\n    two\n" in said
    assert lines(said, "agent local says") == ["… agent local says: another"]
    assert code == 1


def lines(output: str, word: str) -> list[str]:
    return [line for line in output.splitlines() if word in line]


def test_all_well(api: FakeApi) -> None:
    _, said = doctor(api, "runsc", agent())
    assert lines(said, "agent local") == ["✓ agent local is online"]
    assert lines(said, "policies") == ["✓ policies run in gVisor (runsc), with Python 3.13.5"]


@pytest.mark.parametrize(
    ("agents", "reason"),
    [
        ([agent("online", "no base image: nothing answers")], "no base image: nothing answers"),
        ([agent("online", "one", "two")], "one; two"),
        ([agent("online")], "the agent does not say why"),
        ([agent("offline")], "no agent is online"),
        ([], "no agent is online"),
    ],
)
def test_why_policies_cannot_run(api: FakeApi, agents: list[dict[str, Any]], reason: str) -> None:
    _, said = doctor(api, "", *agents)
    assert lines(said, "policies cannot run") == [f"… policies cannot run now: {reason}"]


def test_a_weaker_sandbox_is_pointed_out(api: FakeApi) -> None:
    _, said = doctor(api, "runc", agent())
    assert lines(said, "policies run in") == [
        "… policies run in containers (runc): weaker than gVisor, with Python 3.13.5"
    ]
    _, said = doctor(api, "process", agent())
    assert "no isolation" in lines(said, "policies run in")[0]


def test_a_setting_that_is_not_complete_is_pointed_out(api: FakeApi) -> None:
    _, said = doctor(api, "runsc", agent(), warning="Nobody can sign in with GitLab: set GITLAB_URL")
    assert lines(said, "GitLab") == ["… Nobody can sign in with GitLab: set GITLAB_URL"]


def test_a_connection_that_must_be_authorized_again_is_grave(api: FakeApi) -> None:
    ended = {"name": "acme", "forge": "gitlab", "problem": "GitLab takes no token any more"}
    well = {"name": "well", "forge": "gitlab", "problem": ""}
    code, said = doctor(api, "runsc", agent(), connections=[ended, well])
    assert "connect gitlab --oauth --connection acme" in said
    assert code == 1 and lines(said, "✗ connection") == ["✗ connection acme: GitLab takes no token any more"]


def test_an_engine_that_is_away_is_named_as_the_agent_says_it(api: FakeApi) -> None:
    warning = "Docker Engine does not answer at unix:///var/run/docker.sock"
    _, said = doctor(api, "runsc", agent("online", warning))
    assert lines(said, "says:") == [f"… agent local says: {warning}"]


def test_a_user_whose_builds_get_no_network_learns_why(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "TUNNEL", "/dev/null")
    _, said = doctor(api, "runsc", agent())
    assert not lines(said, "no network")
    monkeypatch.setattr(doctor_module, "TUNNEL", "/dev/net/none")
    _, said = doctor(api, "runsc", agent())
    assert lines(said, "no network") and "chmod 666 /dev/net/none" in said


def test_an_agent_that_is_offline_is_grave(api: FakeApi) -> None:
    code, said = doctor(api, "", agent("offline"))
    assert code == 1
    assert "✗ agent local is offline" in said and "agent.log" in said


def test_the_log_of_an_agent_on_another_host_is_not_looked_for_here(api: FakeApi) -> None:
    code, said = doctor(api, "runsc", {**agent("offline"), "id": "01B", "name": "harbour-two"})
    assert code == 1 and "✗ agent harbour-two is offline" in said
    assert "agent.log" not in said and "On its host" in said


def test_too_little_space_to_build_on_is_grave(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLEY_MIN_FREE_MB", "1")
    _, said = doctor(api, "runsc", agent())
    assert lines(said, "disk:")[0].startswith("✓")
    monkeypatch.setenv("GALLEY_MIN_FREE_MB", "999999999")
    code, said = doctor(api, "runsc", agent())
    assert code == 1 and lines(said, "disk:")[0].startswith("✗") and "GALLEY_MIN_FREE_MB" in said


@pytest.fixture
def worker(api: FakeApi, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is recorded as the platform's."""
    process = subprocess.Popen(["sleep", "600"])
    Records(tmp_path / "data" / "run").write("worker", process.pid)
    yield process
    process.kill()
    process.wait()


def test_a_process_that_is_stopped_is_grave_and_goes_on_by_doing_what_it_says(
    api: FakeApi, worker: subprocess.Popen[bytes]
) -> None:
    _, said = doctor(api, "runsc", agent())
    assert lines(said, "worker") == [f"✓ worker runs (pid {worker.pid})"]
    worker.send_signal(signal.SIGSTOP)
    eventually(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED)
    code, said = doctor(api, "runsc", agent())
    assert code == 1 and lines(said, "worker") == [f"✗ worker is stopped by a signal (pid {worker.pid})"]
    (advice,) = lines(said, "Let it go on: ")
    subprocess.run(advice.split(": ")[1].split(), check=True)
    eventually(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_SLEEPING)
    _, said = doctor(api, "runsc", agent())
    assert lines(said, "worker") == [f"✓ worker runs (pid {worker.pid})"]


def test_messages_that_pile_up_are_grave_although_every_process_runs(api: FakeApi) -> None:
    code, said = doctor(api, "runsc", agent(), waits_for="the bus: messages are not sent")
    assert code == 1 and "✗ the platform waits for the bus: messages are not sent" in said
    assert "worker.log" in said


def test_what_a_killed_supervisor_left_is_named(
    api: FakeApi, worker: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_module.locking, "running", lambda data: None)
    code, said = doctor(api, "runsc")
    assert code == 1 and f"has left: worker (pid {worker.pid})" in said and "seatrial up" in said


def test_a_web_process_that_does_not_answer_is_grave(api: FakeApi) -> None:
    api.routes["GET /status"] = lambda _: (503, {})
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert "✗ seatrial is not ready" in done.output and "web.log" in done.output


@pytest.mark.parametrize(
    ("version", "warned"),
    [
        ("1.1.5+ds1-1+deb12u1", True),
        ("v1.2.7-0-g59923ef", True),
        ("1.3.2", True),
        ("1.2.8", False),
        ("v1.3.3-0-gabc", False),
        ("1.4.0", False),
        ("2.0.0", False),
        ("860f061b76bb4fc671f0f9e900f7d80ff93d4eb7", False),
        ("", False),
    ],
)
def test_a_runc_that_lets_code_out_is_pointed_out(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, version: str, warned: bool
) -> None:
    engine = detect.Engine("unix:///x", version="28", runtimes=frozenset({"runsc"}), runc=version)
    monkeypatch.setattr(detect, "ask", lambda: engine)
    _, said = doctor(api, "runsc", agent())
    told = lines(said, "runc ")
    assert bool(told) is warned
    if warned:
        assert told[0].startswith(f"… runc {version} may let code out of a container")
        assert "1.2.8" in said and "gVisor" in said


def test_what_is_wrong_with_connections_is_named(api: FakeApi) -> None:
    account = {"problem": "", "missing": [], "ends_soon": False, "expires_at": None}
    well = {"name": "well", "base_url": "https://git.test", "webhook_secret": True, "account": account}
    ill = {
        "problem": "git.test answers 401",
        "missing": ["the scope api"],
        "ends_soon": True,
        "expires_at": "2026-01-01T12:00:00Z",
    }
    rows = [well, {**well, "name": "ill", "webhook_secret": False, "account": ill}, {**well, "account": None}]
    api.routes["GET /connections"] = lambda _: (200, rows)
    code, said = doctor(api, "runsc", agent())
    assert code == 1 and not lines(said, "well")
    assert lines(said, "ill has") == ["✗ ill has no webhook secret"]
    assert (
        lines(said, "401") and lines(said, "lacks the scope api") and lines(said, "is good until 2026-01-01")
    )
    api.routes["GET /connections"] = lambda _: (403, {"error": {"code": "denied", "message": "no"}})
    assert not lines(doctor(api, "runsc", agent())[1], "denied")
