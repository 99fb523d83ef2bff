"""The commands as people type them, with their output and exit codes."""

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import FakeApi, git

SEATRIAL = str(Path(sys.executable).parent / "seatrial")
PHASES = [
    {"name": "checkout", "seconds": 0.1, "failed": False, "started_at": "2026-01-01T00:00:00Z"},
    {"name": "build web", "seconds": 1.5, "failed": False, "started_at": "2026-01-01T00:00:01Z"},
]
ENVIRONMENT: dict[str, Any] = {
    "id": "01E",
    "name": "pr-1-dinghy",
    "state": "running",
    "commit": "",
    "number": 1,
    "project": "01P",
    "urls": {"web": "http://pr-1-dinghy.preview.localhost:8080"},
    "page_url": "http://localhost:3000/environments/01E",
    "live_commit": None,
}
RESULTS = [
    {
        "policy": "readme",
        "name": "Has a readme",
        "state": "passed",
        "score": 100.0,
        "message": "has a readme",
    },
    {
        "policy": "licence",
        "name": "Has a licence",
        "state": "failed",
        "score": 0.0,
        "message": "no licence\nsecond line",
    },
]


def deployment(head: str, state: str, **more: Any) -> dict[str, Any]:
    base = {
        "id": "01D",
        "state": state,
        "reason": "",
        "message": "",
        "service": "",
        "log_tail": [],
        "commit": head,
    }
    return {**base, "phases": PHASES, "warnings": [], "isolation": "runsc", **more}


def project(name: str, environments: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    nothing = {"cpus": 0.0, "memory_mb": 0}
    base = {"name": name, "used": nothing, "total": nothing}
    return {**base, "environments": environments, "evaluations": [], **more}


def preview_of(api: FakeApi, head: str, *deployments: dict[str, Any]) -> None:
    """The platform takes the pull request; each look at it sees the next of `deployments`."""
    left = list(deployments)
    api.routes["POST /local/projects"] = lambda _: (200, {"id": "01P", "name": "dinghy"})
    api.routes["POST /local/pulls"] = lambda _: (200, {"project": "01P", "number": 1, "head_sha": head})

    def look(_: dict[str, Any]) -> tuple[int, Any]:
        now = left.pop(0) if len(left) > 1 else left[0]
        return 200, [{**ENVIRONMENT, "commit": head, "deployment": now}]

    api.routes["GET /environments"] = look


def test_preview_waits_for_this_very_commit_and_prints_where_it_answers(
    cli: Any, api: FakeApi, repository: Path
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    older = deployment("0" * 40, "live")
    preview_of(
        api, head, older, deployment(head, "queued"), deployment(head, "building"), deployment(head, "live")
    )
    code, out, _ = cli("preview", str(repository))
    assert code == 0
    assert "http://pr-1-dinghy.preview.localhost:8080" in out
    assert "build web" in out
    assert "gVisor" in out


def test_a_failed_preview_says_why_with_its_last_lines_and_exits_1(
    cli: Any, api: FakeApi, repository: Path
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    failed = deployment(
        head,
        "failed",
        reason="service_exited",
        message="web ended with 3",
        service="web",
        log_tail=["no sail [0]"],
        phases=[*PHASES, {"name": "health", "seconds": 3.0, "failed": True}],
    )
    preview_of(api, head, failed)
    api.routes["POST /environments/01E/rebuild"] = lambda _: (200, {"id": "01E"})
    code, out, _ = cli("preview", str(repository))
    assert code == 1
    assert "POST /environments/01E/rebuild" in api.asked  # the commit had failed before: tried again
    assert "✓ build web" in out and "✗ health" in out
    assert "service_exited (web)" in out
    assert "web ended with 3" in out
    assert "no sail [0]" in out


def test_json_is_the_only_thing_on_standard_output(cli: Any, api: FakeApi, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    preview_of(api, head, deployment(head, "live"))
    code, out, _ = cli("preview", str(repository), "--json")
    assert code == 0
    document = json.loads(out)
    assert document["deployment"]["phases"][0]["name"] == "checkout"
    assert document["urls"]["web"].startswith("http://pr-1-dinghy")


def test_uncommitted_changes_are_pointed_out(cli: Any, api: FakeApi, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    preview_of(api, head, deployment(head, "live"))
    (repository / "sail").write_text("red")
    _, out, _ = cli("preview", str(repository))
    assert "uncommitted changes are not part of the preview" in out
    _, out, _ = cli("preview", str(repository), "--branch", "feature", "--json")
    json.loads(out)


@pytest.mark.parametrize(
    ("state", "results", "code"), [("passed", RESULTS, 0), ("failed", RESULTS, 1), ("errored", [], 2)]
)
def test_the_exit_code_of_check_is_the_verdict(
    cli: Any, api: FakeApi, repository: Path, state: str, results: list[Any], code: int
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    evaluation = {
        "id": "01V",
        "commit": head,
        "score": 50.0,
        "message": "",
        "isolation": "runsc",
        "seconds": 0.4,
    }
    api.routes["POST /local/projects"] = lambda _: (200, {"id": "01P", "name": "dinghy"})
    api.routes["POST /projects/01P/evaluations"] = lambda _: (
        200,
        {**evaluation, "state": "queued", "results": []},
    )
    api.routes["GET /evaluations/01V"] = lambda _: (200, {**evaluation, "state": state, "results": results})
    exit_code, out, _ = cli("check", str(repository))
    assert exit_code == code
    assert state in out
    for result in results:
        assert result["name"] in out
    assert "second line" not in out


def test_close_names_the_pull_request(cli: Any, api: FakeApi, repository: Path) -> None:
    api.routes["POST /local/projects"] = lambda _: (200, {"id": "01P", "name": "dinghy"})
    api.routes["POST /local/pulls/close"] = lambda _: (200, {"project": "01P", "number": 7})
    looks = iter([False, False, True])
    api.routes["GET /environments"] = lambda _: (200, [{"id": "01E", "removed": next(looks)}])
    code, out, _ = cli("close", str(repository), "--branch", "feature")
    assert code == 0
    assert "pull request 7" in out
    assert "removing the preview" in out
    assert api.asked.count("GET /environments") == 3


def test_undo_finds_the_preview_by_its_name_and_prints_where_it_answers(cli: Any, api: FakeApi) -> None:
    api.routes["GET /environments"] = lambda _: (200, [{"id": "01E"}])
    api.routes["POST /environments/01E/undo"] = lambda _: (200, ENVIRONMENT)
    code, out, err = cli("undo", "pr-1-dinghy")
    assert (code, err) == (0, "")
    assert "✓ pr-1-dinghy running" in out and "http://pr-1-dinghy.preview.localhost:8080" in out


def test_undo_says_why_it_cannot(cli: Any, api: FakeApi) -> None:
    refusal = {"error": {"code": "nothing_to_undo", "message": "pr-1-dinghy is no longer kept."}}
    api.routes["GET /environments"] = lambda _: (200, [{"id": "01E"}])
    api.routes["POST /environments/01E/undo"] = lambda _: (409, refusal)
    code, _, err = cli("undo", "pr-1-dinghy")
    assert code == 2 and "pr-1-dinghy is no longer kept." in err
    api.routes["GET /environments"] = lambda _: (200, [])
    code, _, err = cli("undo", "pr-9-dinghy")
    assert code == 2 and "there is no preview pr-9-dinghy" in err and "seatrial status" in err


@pytest.mark.parametrize(("until", "how"), [("2026-11-29T12:00:00Z", "undo"), (None, "rebuild")])
def test_who_asks_for_a_stopped_preview_gets_it_with_its_data_while_there_is_any(
    cli: Any, api: FakeApi, repository: Path, until: str | None, how: str
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    preview_of(api, head, deployment(head, "live"))
    look = api.routes["GET /environments"]

    def stopped(body: dict[str, Any]) -> tuple[int, Any]:
        return 200, [look(body)[1][0] | {"stop_cause": "person", "undo_until": until}]

    api.routes["GET /environments"] = stopped
    api.routes[f"POST /environments/01E/{how}"] = lambda _: (200, {"id": "01E"})
    code, _, _ = cli("preview", str(repository))
    assert code == 0 and f"POST /environments/01E/{how}" in api.asked


def test_status_says_until_when_a_stop_can_be_undone(cli: Any, api: FakeApi) -> None:
    until = datetime(2026, 11, 29, 12, 34, 56, tzinfo=UTC)
    stopped = {"name": "pr-1-dinghy", "state": "stopped", "commit": "c" * 40, "urls": {}, "deployment": None}
    api.routes["GET /status"] = lambda _: (
        200,
        {
            "platform": {"url": "http://x", "runtime": "docker", "sandbox": "runsc"},
            "agents": [],
            "previews": {"running": 0, "in_progress": 0, "failed": 0},
            "projects": [project("dinghy", [stopped | {"undo_until": until.isoformat()}])],
        },
    )
    code, out, _ = cli("status")
    assert code == 0 and "- pr-1-dinghy stopped" in out
    assert f"can be undone until {until.astimezone():%H:%M:%S}: " in out and "undo pr-1-dinghy" in out


def test_the_platforms_own_message_reaches_the_person(cli: Any, api: FakeApi, repository: Path) -> None:
    refusal = {"error": {"code": "no_policy_applies", "message": "No enabled policy applies."}}
    api.routes["POST /local/projects"] = lambda _: (409, refusal)
    code, _, err = cli("check", str(repository))
    assert code == 2
    assert "No enabled policy applies." in err


def test_a_platform_that_does_not_run_says_how_to_start_it(
    cli: Any, repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEATRIAL_DATA_DIR", str(tmp_path / "none"))
    for words in (("status",), ("preview", str(repository)), ("check", str(repository)), ("demo",)):
        code, out, err = cli(*words)
        assert (code, out) == (2, "")
        assert "seatrial is not running." in err
        assert "Start it: " in err and "seatrial up" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("preview", "/nonexistent"), "is not a directory"),
        (("check", "--branch"), "requires an argument"),
        (("preview",), "Missing argument"),
        (("sail",), "No such command"),
        (("up", "--runtime", "podman"), "there is no runtime podman"),
        (("up", "--port", "0"), "--port"),
    ],
)
def test_a_usage_error_is_2_and_never_a_traceback(cli: Any, words: tuple[str, ...], message: str) -> None:
    code, out, err = cli(*words)
    assert code == 2
    assert message in out + err
    assert "Traceback" not in out + err


@pytest.mark.parametrize("command", ["status", "down", "up", "doctor"])
def test_a_user_without_a_home_learns_what_to_set(
    cli: Any, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.delenv("SEATRIAL_DATA_DIR", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    code, out, err = cli(command)
    assert code == 2
    assert "no data directory" in err and "SEATRIAL_DATA_DIR=" in err
    assert "Traceback" not in out + err


def test_a_terminal_without_our_signs_gets_question_marks(api: FakeApi) -> None:
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([SEATRIAL, "doctor"], env=environ, capture_output=True, check=False)
    assert b"a defect" not in done.stderr and b"Traceback" not in done.stderr
    assert b"? git\n" in done.stdout


def test_a_defect_of_ours_is_shown_without_a_traceback(
    cli: Any, api: FakeApi, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    api.held_to_contract = False
    api.routes["POST /local/projects"] = lambda _: (200, {"unexpected": True})
    code, out, err = cli("check", str(repository))
    assert code == 2
    assert "a defect in seatrial itself: KeyError" in err
    assert "Traceback" not in out + err
    assert "crash.log" in err


def test_ctrl_c_says_what_goes_on_and_exits_130(api: FakeApi, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    preview_of(api, head, deployment(head, "building"))
    command = [SEATRIAL, "preview", str(repository)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    while "GET /environments" not in api.asked:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "the preview is still being prepared" in err
    assert f"seatrial close {repository} --branch feature" in err
    assert "Traceback" not in out + err


def test_a_platform_that_restarts_is_waited_for(cli: Any, api: FakeApi, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    preview_of(api, head, deployment(head, "live"))
    look = api.routes["GET /environments"]
    refusals = [503, 502]
    api.routes["GET /environments"] = lambda body: (refusals.pop(), {}) if refusals else look(body)
    code, out, _ = cli("preview", str(repository))
    assert code == 0, out


def test_manage_needs_a_running_platform(tmp_path: Path) -> None:
    done = subprocess.run(
        [SEATRIAL, "manage", "add_person", "ada", "--role", "viewer"],
        env={**os.environ, "SEATRIAL_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "seatrial is not running" in done.stderr) == (2, True), done.stderr


def test_status_says_that_the_newest_deployment_failed(cli: Any, api: FakeApi) -> None:
    def environment(name: str, state: str, newest: str) -> dict[str, Any]:
        deployment = {"id": "01D", "state": newest, "reason": "bad_recipe", "phases": []}
        return {"name": name, "state": state, "commit": "c" * 40, "urls": {}, "deployment": deployment}

    before = [
        environment("pr-1-dinghy", "failed", "failed"),
        environment("pr-2-dinghy", "running", "failed"),
    ]
    api.routes["GET /status"] = lambda _: (
        200,
        {
            "platform": {"url": "http://localhost:3000", "runtime": "docker", "sandbox": "runsc"},
            "agents": [],
            "previews": {"running": 1, "in_progress": 2, "failed": 3},
            "projects": [project("dinghy", before)],
        },
    )
    code, out, _ = cli("status")
    assert code == 0
    assert "previews: 1 running, 2 in progress, 3 failed" in out
    assert "✗ pr-1-dinghy failed" in out
    assert "✓ pr-2-dinghy running" in out and out.count("newest deployment failed: bad_recipe") == 2


def test_a_folder_of_a_repository_is_said_to_stand_for_all_of_it(
    cli: Any, api: FakeApi, repository: Path
) -> None:
    preview_of(
        api, git(repository, "rev-parse", "HEAD"), deployment(git(repository, "rev-parse", "HEAD"), "live")
    )
    (repository / "deep").mkdir()
    _, out, _ = cli("preview", str(repository / "deep"))
    assert (
        "the preview is of the whole repository, not only of deep; if its recipe is there: --recipe deep"
        in out
    )


def test_status_says_what_is_waited_for_and_since_when(cli: Any, api: FakeApi) -> None:
    def ago(minutes: int) -> str:
        return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()

    waiting = {
        "name": "pr-1-dinghy",
        "state": "building",
        "commit": "c" * 40,
        "urls": {},
        "deployment": None,
        "waits_for": "agent two, which is offline",
        "waiting_since": ago(5),
    }
    platform = {"url": "http://x", "runtime": "docker", "sandbox": "runsc"}
    missing = {"waits_for": "the bus: messages are not sent", "waiting_since": ago(61)}
    api.routes["GET /status"] = lambda _: (
        200,
        {
            "platform": {**platform, **missing},
            "agents": [],
            "previews": {"running": 1, "in_progress": 2, "failed": 3},
            "projects": [project("dinghy", [waiting])],
        },
    )
    code, out, _ = cli("status")
    said = [line for line in out.splitlines() if "waits for" in line]
    assert code == 0 and len(said) == 2
    assert "waits for the bus: messages are not sent, since " in said[0] and "(61 min)" in said[0]
    assert "waits for agent two, which is offline, since " in said[1] and "(5 min)" in said[1]


def test_a_platform_that_runs_and_does_not_answer_is_not_to_be_started(cli: Any, api: FakeApi) -> None:
    api.server.shutdown()
    api.server.server_close()
    code, _, problem = cli("status")
    assert code == 2 and "does not answer" in problem
    assert "seatrial doctor" in problem and "seatrial up" not in problem, "up would say that it runs"


def test_a_warning_has_a_mark_and_a_note_has_none_whatever_they_say(
    cli: Any, api: FakeApi, repository: Path
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    said = "compose.yaml:4: services.web.ports: the host's side is ignored: previews answer at their own host name"
    preview_of(api, head, deployment(head, "live", warnings=[f"written by others: {said}"], notes=[said]))
    _, out, _ = cli("preview", str(repository))
    assert out.count(said) == 2
    assert f"! written by others: {said}" in out and f"! {said}" not in out


def test_status_says_how_many_requests_a_code_host_still_accepts(cli: Any, api: FakeApi) -> None:
    def one(name: str, **budget: Any) -> dict[str, Any]:
        whole = {"left": None, "most": None, "resets_at": None, "paused_until": None, "waits_for": ""}
        one = {"installation": "", **whole, **budget}
        return {"id": "01C", "name": name, "forge": "github", "budget": one, "budgets": [one]}

    document = {
        "platform": {"url": "u", "runtime": "docker", "sandbox": "runsc", "waits_for": ""},
        "agents": [],
        "connections": [
            {**one("unknown"), "problem": "GitLab takes no token any more. Authorize again: u"},
            one("bot", left=4312, most=5000),
            one("app", left=4000, installation="acme"),
            one("short", left=12, waits_for="new requests, which come at 12:40 UTC"),
        ],
        "previews": {"running": 0, "in_progress": 0, "failed": 0},
        "projects": [],
    }
    api.routes["GET /status"] = lambda _: (200, document)
    _, out, _ = cli("status")
    assert "app (acme) accepts 4,000 more requests" in out
    assert "bot accepts 4,312 of 5,000 more requests" in out and "unknown accepts" not in out
    assert "! unknown: GitLab takes no token any more. Authorize again: u" in out
    assert "short accepts 12 more requests" in out
    assert "short waits for new requests, which come at 12:40 UTC" in out


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (
            (200.0, 102_400, 9),
            "previews may use 6.5 of 100 GB of memory and 12 of 200 CPUs; there are 3 of 9",
        ),
        ((0.0, 0, 0), "previews may use 6.5 GB of memory and 12 CPUs\n"),
    ],
)
def test_status_says_what_the_previews_of_a_project_may_use(
    cli: Any, api: FakeApi, total: tuple[float, int, int], said: str
) -> None:
    used = {"cpus": 12.0, "memory_mb": 6_656, "previews": 3}
    most = {"cpus": total[0], "memory_mb": total[1], "previews": total[2]}
    document = {
        "platform": {"url": "http://x", "runtime": "docker", "sandbox": "runsc"},
        "agents": [],
        "previews": {"running": 1, "in_progress": 0, "failed": 0},
        "projects": [project("dinghy", [], used=used, total=most), project("empty", [])],
    }
    api.routes["GET /status"] = lambda _: (200, document)
    _, out, _ = cli("status")
    assert out.count("may use") == 1 and said in out


def test_a_preview_that_waits_for_room_says_so_once(cli: Any, api: FakeApi, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    short = {"waits_for": "memory of project dinghy: 6 of 8 GB are used", "waits_for_room": True}
    looks = [
        {**ENVIRONMENT, "commit": head, "deployment": deployment(head, "building"), **short},
        {**ENVIRONMENT, "commit": head, "deployment": deployment(head, "building"), **short},
        {**ENVIRONMENT, "commit": head, "deployment": deployment(head, "live"), "waits_for_room": False},
    ]
    preview_of(api, head, deployment(head, "live"))
    api.routes["GET /environments"] = lambda _: (200, [looks.pop(0) if len(looks) > 1 else looks[0]])
    code, out, _ = cli("preview", str(repository))
    assert code == 0
    assert out.count("waits for memory of project dinghy: 6 of 8 GB are used") == 1
