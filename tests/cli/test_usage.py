"""How the command is used: its help, its hints, what it refuses, and what a script reads."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.embedded import typed as typed_module
from seatrial.embedded.typed import script, typed
from tests.cli.conftest import FakeApi, git
from tests.cli.test_commands import ENVIRONMENT, RESULTS, SEATRIAL, deployment, preview_of
from tests.sources import nodes

Cli = Callable[..., tuple[int, str, str]]


def test_alone_it_shows_its_help(cli: Cli) -> None:
    code, out, err = cli()
    assert (code, err) == (0, "")
    assert "preview" in out and "--version" in out and "--install-completion" in out


def test_no_command_waits_for_imports_that_few_need() -> None:
    imported = "import sys, seatrial.cli.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", imported], capture_output=True, text=True, check=True)
    assert "httpx" in done.stdout.split()
    assert not {"django", "psycopg", "structlog", "seatrial.wire.envelope"} & set(done.stdout.split())


def test_it_says_its_version(cli: Cli) -> None:
    code, out, _ = cli("--version")
    assert code == 0 and out.startswith("seatrial ") and out.strip()[-1].isdigit()


@pytest.mark.parametrize(
    ("shell", "typed_so_far"),
    [
        ("bash", {"COMP_WORDS": "seatrial prev", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "seatrial prev"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "seatrial prev", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_a_shell_completes_commands(shell: str, typed_so_far: dict[str, str]) -> None:
    asked = {"_SEATRIAL_COMPLETE": f"complete_{shell}", **typed_so_far}
    done = subprocess.run(
        [SEATRIAL], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    words = re.findall(r"\w+", done.stdout.replace("_arguments", ""))
    assert words[0] == "preview" and not {"check", "close", "status"} & set(words), done.stderr


@pytest.mark.parametrize("command", ["preview", "check", "close"])
def test_an_address_instead_of_a_folder_is_a_usage_error(cli: Cli, api: FakeApi, command: str) -> None:
    code, _, err = cli(command, "https://example.test/a/b")
    assert code == 2
    assert "https://example.test/a/b is an address" in err and "git clone https://example.test/a/b" in err


def test_up_on_a_running_platform_says_where_it_is_and_how_to_sign_in(cli: Cli, api: FakeApi) -> None:
    code, out, _ = cli("up", "--detach", "--ingress-port", "8080")
    assert code == 0
    assert f"already runs at http://localhost:{api.port}" in out
    assert "sign in   as admin" in out and "admin-password" in out


def test_another_port_for_a_running_platform_is_answered_with_its_own_and_how_to_change_it(
    cli: Cli, api: FakeApi
) -> None:
    code, out, err = cli("up", "--port", "4000", "--ingress-port", "9000", "--runtime", "process")
    assert (code, out) == (2, "")
    assert f"with --port {api.port} and with --ingress-port 8080 and with --runtime docker" in err
    again = typed("up", "--port", "4000", "--ingress-port", "9000", "--runtime", "process")
    assert f"{typed('down')} && {again}" in err


@pytest.mark.parametrize("name", ["flush", "shell", "dbshell", "runserver", "bootstrap", "--sail", "nothing"])
def test_manage_runs_nothing_but_what_an_operator_needs(cli: Cli, api: FakeApi, name: str) -> None:
    code, out, err = cli("manage", name)
    assert (code, out) == (2, "")
    assert f"no command {name}" in err and "add_person, agent_token, changepassword" in err


@pytest.mark.parametrize("words", [("previews", "zero"), ("--fake",), ("audit",), ("--plan", "fleet")])
def test_manage_never_takes_the_database_back(cli: Cli, api: FakeApi, words: tuple[str, ...]) -> None:
    code, out, err = cli("manage", "migrate", *words)
    assert (code, out) == (
        2,
        "",
    ) and f"migrate takes no {words[-1] if words[0] == '--plan' else words[0]}" in err


def test_the_help_of_a_managed_command_is_of_what_was_typed() -> None:
    line = [sys.executable, "-m", "seatrial.control.manage", "changepassword", "--help"]
    done = subprocess.run(
        line, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"}
    )
    assert done.stdout.startswith("usage: seatrial manage changepassword"), done.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("preview",), ("preview", "--help")),
        (("up", "--port", "99999"), ("up", "--help")),
        (("policy", "try", "x.py"), ("policy", "try", "--help")),
        (("sail",), ("--help",)),
    ],
)
def test_a_usage_error_names_the_help_of_its_command(
    cli: Cli, words: tuple[str, ...], named: tuple[str, ...]
) -> None:
    code, _, err = cli(*words)
    assert code == 2 and err.endswith(f"  See: {typed(*named)}\n")


@pytest.mark.parametrize("words", [(), ("--help",), ("help",)])
def test_manage_lists_what_it_runs(cli: Cli, words: tuple[str, ...]) -> None:
    code, out, _ = cli("manage", *words)
    assert code == 0 and "add_person" in out and "flush" not in out


def test_what_manage_lists_exists() -> None:
    from django.core.management import get_commands

    from seatrial.cli.platform_commands import MANAGED

    assert set(MANAGED) <= set(get_commands())


def test_hints_can_be_pasted_wherever_somebody_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "my sea" / ".venv" / "bin" / "seatrial"
    own.parent.mkdir(parents=True)
    own.write_text("#!/bin/sh\necho $#\n")
    own.chmod(0o755)
    monkeypatch.setattr(typed_module.sys, "executable", str(own.parent / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    for folder, said in (
        (tmp_path / "my sea", ".venv/bin/seatrial up"),
        (tmp_path, shlex.join(["my sea/.venv/bin/seatrial", "up"])),
        (Path("/"), shlex.join([str(own).removeprefix("/"), "up"])),
        (Path("/usr"), shlex.join([str(own), "up"])),
    ):
        monkeypatch.chdir(folder)
        assert typed("up") == said
    assert subprocess.run(["sh", "-c", typed("a b")], capture_output=True, check=True).stdout == b"1\n"
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    assert typed("close", "my boat") == "seatrial close 'my boat'"


def test_the_seatrial_of_another_installation_is_never_suggested(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "seatrial"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert typed("up").endswith("/seatrial up")


def test_no_hint_is_written_by_hand() -> None:
    """One that is would be wrong for whoever has no `seatrial` in PATH; in backticks it is a name."""
    command = re.compile(
        r"(?<!`)(?<!/)\bseatrial (up|down|preview|check|close|undo|status|doctor|demo|manage)\b"
        r"|scripts/(setup|engine)"
    )
    rooms = [Path(typed_module.__file__).parents[1] / name for name in ("cli", "embedded")]
    for file in (path for room in rooms for path in room.rglob("*.py")):
        if file.parent.name == "engine":
            continue  # `scripts/engine` itself, which knows not how it was called
        docs = {ast.get_docstring(node, clean=False) for node in nodes(file) if isinstance(node, DOCUMENTED)}
        for node in nodes(file):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docs:
                assert not command.search(node.value), f"{file}:{node.lineno}: use `typed` or `script`"


def test_a_script_can_be_run_from_wherever_somebody_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert os.access(script("setup"), os.X_OK) and os.access(script("engine"), os.X_OK)
    monkeypatch.chdir(typed_module.CHECKOUT)
    assert script("engine") == "scripts/engine"


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def document(out: str) -> Any:
    """The one document that standard output holds."""
    assert out.isascii()
    return json.loads(out)


def test_json_of_a_live_preview_leaves_standard_error_empty(cli: Cli, api: FakeApi, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    preview_of(api, head, deployment(head, "building"), deployment(head, "live"))
    (repository / "sail").write_text("not committed")
    code, out, err = cli("preview", str(repository), "--json")
    assert (code, err) == (0, "") and document(out)["deployment"]["state"] == "live"


def test_json_of_a_failed_preview_is_the_environment_and_one_line_of_why(
    cli: Cli, api: FakeApi, repository: Path
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    why = {"reason": "service_exited", "service": "web", "message": "ended with 3\nafter 2 s"}
    preview_of(api, head, deployment(head, "failed", **why))
    api.routes["POST /environments/01E/rebuild"] = lambda _: (200, {"id": "01E"})
    code, out, err = cli("preview", str(repository), "--json")
    assert code == 1 and document(out)["deployment"]["reason"] == "service_exited"
    assert err == "seatrial: failed: service_exited (web): ended with 3 after 2 s\n"


def test_json_of_a_check_that_did_not_pass_is_the_evaluation_and_one_line(
    cli: Cli, api: FakeApi, repository: Path
) -> None:
    decided = {"id": "01V", "state": "failed", "score": 50.0, "message": "", "results": RESULTS}
    api.routes["POST /local/projects"] = lambda _: (200, {"id": "01P"})
    api.routes["POST /projects/01P/evaluations"] = lambda _: (200, {"id": "01V"})
    api.routes["GET /evaluations/01V"] = lambda _: (200, decided)
    code, out, err = cli("check", str(repository), "--json")
    assert code == 1 and document(out) == decided
    assert err == "seatrial: failed, score 50\n"


def test_a_newer_commit_is_shown_in_one_moment_and_never_beside_an_older_deployment(
    cli: Cli, api: FakeApi, repository: Path
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    newer = {**deployment("e" * 40, "building"), "id": "01F"}
    for words in ((), ("--json",)):
        preview_of(api, head, deployment(head, "queued"), deployment(head, "building"), newer)
        moments = api.routes["GET /environments"]

        def look(body: dict[str, Any], moments: Any = moments) -> tuple[int, Any]:
            (one,) = moments(body)[1]
            return 200, [{**one, "state": "building"}]

        api.routes["GET /environments"] = look
        code, out, err = cli("preview", str(repository), *words)
        assert code == 1
        if words:
            told = document(out)
            assert told == {**ENVIRONMENT, "state": "building", "commit": head, "deployment": newer}
        assert f"superseded: {'e' * 12} took the place of {head[:12]}" in (err if words else out)


@pytest.mark.parametrize(
    ("words", "status", "code", "word"),
    [
        (("check", "/nonexistent", "--json"), 200, 2, "command_failed"),
        (("status", "--json", "--sail"), 200, 2, "usage"),
        (("status", "--json"), 404, 2, "not_found"),
        (("status", "--json"), 503, 2, "platform_away"),
        (("status", "--json"), 500, 2, "command_failed"),
    ],
)
def test_an_error_is_a_document_and_one_line(
    cli: Cli, api: FakeApi, words: tuple[str, ...], status: int, code: int, word: str
) -> None:
    body = {"error": {"code": "not_found", "message": "There is none."}} if status == 404 else {}
    api.routes["GET /status"] = lambda _: (status, body)
    exit_code, out, err = cli(*words)
    error = document(out)["error"]
    assert (exit_code, error["code"]) == (code, word)
    assert set(error) == {"code", "message", "fix"} and error["message"]
    assert err.startswith("seatrial: ") and err.count("\n") == 1 and error["message"].split()[0] in err


def test_a_platform_that_does_not_run_is_a_document_too(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEATRIAL_DATA_DIR", str(tmp_path / "none"))
    code, out, _ = cli("status", "--json")
    error = document(out)["error"]
    assert (code, error["code"], error["fix"]) == (2, "not_running", f"Start it: {typed('up')}")


def test_a_defect_is_a_document_too(cli: Cli, api: FakeApi, repository: Path) -> None:
    api.held_to_contract = False
    api.routes["POST /local/projects"] = lambda _: (200, {"unexpected": True})
    code, out, err = cli("check", str(repository), "--json")
    assert (code, document(out)["error"]["code"], err.count("\n")) == (2, "defect", 1)


def test_a_shallow_clone_is_pointed_out_where_history_matters(
    cli: Cli, api: FakeApi, repository: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    api.routes["POST /local/projects"] = lambda _: (409, {"error": {"message": "enough"}})
    _, out, _ = cli("check", str(tmp_path / "shallow"))
    assert "! this is a shallow clone: " in out and f"git -C {tmp_path}/shallow fetch --unshallow" in out
