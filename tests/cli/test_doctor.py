"""`seatrial doctor`: what is wrong is named with its reason."""

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from seatrial.cli import doctor as doctor_module
from seatrial.cli.app import app
from seatrial.embedded.engine import detect
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import Records
from seatrial.embedded.remembered import read, write
from tests.cli.conftest import FakeApi
from tests.waiting import eventually


def check(
    about: str, text: str, fix: str = "", *, well: bool = False, grave: bool = True, subject: str = ""
) -> dict[str, Any]:
    return {"about": about, "subject": subject, "well": well, "text": text, "fix": fix, "grave": grave}


def doctor(api: FakeApi, *checks: dict[str, Any], words: Sequence[str] = ()) -> tuple[int, str]:
    api.routes["GET /health/checks"] = lambda _: (200, list(checks))
    done = CliRunner().invoke(app, ["doctor", *words])
    return done.exit_code, done.output


def test_what_the_server_knows_is_shown_with_every_line_of_its_fix(api: FakeApi) -> None:
    code, said = doctor(
        api,
        check("host", "local: 3 MB free", "one\ntwo"),
        check("sandbox", "Policies on local run in gVisor", well=True),
        check("webhooks", "3 changes of shop came without a webhook", "Send a test", grave=False),
    )
    assert lines(said, " local") == ["✗ local: 3 MB free", "✓ Policies on local run in gVisor"]
    assert "    one\n    two\n" in said
    assert "… 3 changes of shop came without a webhook\n    Send a test\n" in said
    assert code == 1


def test_scripts_get_every_check_with_a_stable_word(api: FakeApi) -> None:
    code, said = doctor(api, check("audit", "It does not hold", "Compare"), words=["--json"])
    document = json.loads(said)
    assert code == 1 and document["well"] is False and document["mended"] == []
    assert document["checks"][-1] == check("audit", "It does not hold", "Compare")
    assert {"engine", "build_tools", "git", "disk"} <= {one["about"] for one in document["checks"]}
    assert all(not one["fix"] for one in document["checks"] if one["well"])


def lines(output: str, word: str) -> list[str]:
    return [line for line in output.splitlines() if word in line]


def test_a_user_whose_builds_get_no_network_learns_why(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "TUNNEL", "/dev/null")
    _, said = doctor(api)
    assert not lines(said, "no network")
    monkeypatch.setattr(doctor_module, "TUNNEL", "/dev/net/none")
    _, said = doctor(api)
    assert lines(said, "no network") and "chmod 666 /dev/net/none" in said


def test_too_little_space_to_build_on_is_grave(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALLEY_MIN_FREE_MB", "1")
    _, said = doctor(api)
    assert lines(said, "disk:")[0].startswith("✓")
    monkeypatch.setenv("GALLEY_MIN_FREE_MB", "999999999")
    code, said = doctor(api)
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
    _, said = doctor(api)
    assert lines(said, "worker") == [f"✓ worker runs (pid {worker.pid})"]
    worker.send_signal(signal.SIGSTOP)
    eventually(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED)
    code, said = doctor(api)
    assert code == 1 and lines(said, "worker") == [f"✗ worker is stopped by a signal (pid {worker.pid})"]
    (advice,) = lines(said, "Let it go on: ")
    subprocess.run(advice.split(": ")[1].split(), check=True)
    eventually(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_SLEEPING)
    _, said = doctor(api)
    assert lines(said, "worker") == [f"✓ worker runs (pid {worker.pid})"]


def test_what_a_killed_supervisor_left_is_named(
    api: FakeApi, worker: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_module.locking, "running", lambda data: None)
    code, said = doctor(api)
    assert code == 1 and f"has left: worker (pid {worker.pid})" in said and "seatrial up" in said


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
    _, said = doctor(api)
    told = lines(said, "runc ")
    assert bool(told) is warned
    if warned:
        assert told[0].startswith(f"… runc {version} may let code out of a container")
        assert "1.2.8" in said and "gVisor" in said


def test_a_web_process_that_does_not_answer_is_grave(api: FakeApi) -> None:
    api.routes["GET /health/checks"] = lambda _: (503, {})
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert "✗ seatrial is not ready" in done.output and "web.log" in done.output


def test_the_logs_of_this_machine_are_named_for_its_own_agent_alone(api: FakeApi, tmp_path: Path) -> None:
    file = DataDirectory(tmp_path / "data").platform_file
    remembered = read(file)
    assert remembered is not None
    write(file, remembered.model_copy(update={"agent": "01A"}))
    away = [check("agent", f"Agent {one} is offline", "On its host", subject=one) for one in ("01A", "01B")]
    code, said = doctor(api, *away, check("messages", "Seatrial waits for the bus", "Look"))
    assert code == 1 and said.count("agent.log") == 1
    assert "✗ Agent 01B is offline\n    On its host\n" in said
    assert "✗ Seatrial waits for the bus" in said and "worker.log" in said


def test_fix_lets_a_stopped_process_go_on_and_says_so(api: FakeApi, worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGSTOP)
    eventually(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED)
    _, said = doctor(api, words=["--fix"])
    assert lines(said, "mended") == [f"mended: let worker (pid {worker.pid}) go on"]
    eventually(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_SLEEPING)
    assert "mended" not in doctor(api, words=["--fix"])[1]


def test_fix_ends_what_a_killed_supervisor_left(
    api: FakeApi, worker: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_module.locking, "running", lambda data: None)
    monkeypatch.setattr(doctor_module.locking, "held", lambda data, patience_seconds: nullcontext())
    _, said = doctor(api, words=["--fix"])
    assert lines(said, "mended") == ["mended: ended worker, which a killed supervisor had left"]
    assert worker.wait(60) is not None and "has left" not in said
