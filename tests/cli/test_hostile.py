"""What repositories, builds and platforms say is shown, and never obeyed: every command, with text that attacks its reader."""

import ast
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seatrial.cli import demo as demo_module
from seatrial.cli import waiting
from seatrial.cli.app import app
from seatrial.cli.errors import CommandError
from seatrial.cli.phases import Phases
from seatrial.cli.terminal import Terminal
from seatrial.embedded import drilling, lifecycle, restoring
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.progress import Event
from tests.cli import test_evidence
from tests.cli.conftest import FakeApi, Shown, git, obeyed
from tests.cli.test_commands import deployment, preview_of
from tests.sources import nodes

ROOM = Path(demo_module.__file__).parent


@pytest.fixture(autouse=True)
def _anything(api: FakeApi) -> None:
    """What answers here need not be the real server."""
    api.held_to_contract = False


def test_preview_that_is_live(shown: Shown, api: FakeApi, repository: Path, attack: str) -> None:
    head = git(repository, "rev-parse", "HEAD")
    phases = [{"name": f"build {attack}", "seconds": 1.0, "failed": False}]
    preview_of(api, head, deployment(head, "live", warnings=[attack], isolation=attack, phases=phases))
    answer = api.routes["GET /environments"]

    def look(body: dict[str, Any]) -> tuple[int, Any]:
        (environment,) = answer(body)[1]
        return 200, [{**environment, "urls": {attack: f"http://{attack}"}, "page_url": attack}]

    api.routes["GET /environments"] = look
    shown("preview", str(repository))


@pytest.mark.parametrize("state", ["failed", "superseded", "cancelled"])
def test_preview_that_is_not(shown: Shown, api: FakeApi, repository: Path, attack: str, state: str) -> None:
    head = git(repository, "rev-parse", "HEAD")
    why = {"reason": attack, "service": attack, "message": attack, "log_tail": [attack, f"\x1b[31m{attack}"]}
    preview_of(api, head, deployment(head, state, **why))
    api.routes["POST /environments/01E/rebuild"] = lambda _: (200, {"id": "01E"})
    shown("preview", str(repository))


def test_recipe(shown: Shown, repository: Path, attack: str) -> None:
    attack = re.sub(r"[\r\n\0]", " ", attack.encode(errors="replace").decode())
    said = {
        "Procfile": f"web: {attack}",
        "requirements.txt": attack,
        "app.py": attack,
        "package.json": attack,
    }
    for name, text in said.items():
        (repository / name).write_text(text)
    git(repository, "add", ".")
    assert "Procfile" in shown("recipe", str(repository))
    shown("recipe", str(repository), "--write", said=False)
    (repository / "galley.yml").write_text(attack)
    git(repository, "add", ".")
    shown("recipe", str(repository))


def test_check(shown: Shown, api: FakeApi, repository: Path, attack: str) -> None:
    result = {
        "policy": attack,
        "name": attack,
        "state": "failed",
        "score": 1.0,
        "message": attack,
        "network": attack,
    }
    decided = {"id": "01V", "state": "failed", "score": 1, "message": attack, "results": [result]}
    api.routes["POST /local/projects"] = lambda _: (200, {"id": "01P"})
    api.routes["POST /projects/01P/evaluations"] = lambda _: (200, {"id": "01V"})
    api.routes["GET /evaluations/01V"] = lambda _: (
        200,
        {**decided, "isolation": attack, "page_url": attack, "seconds": 0.4},
    )
    shown("check", str(repository))


def test_status(shown: Shown, api: FakeApi, attack: str) -> None:
    failed = {"state": "failed", "reason": attack}
    environments = [
        {"name": attack, "state": state, "commit": attack, "urls": {attack: attack}, "deployment": failed}
        for state in ("running", "pending", attack)
    ]
    environments[0]["undo_until"] = "2026-01-01T00:00:00+00:00"
    waits = {"waits_for": attack, "waiting_since": "2026-01-01T00:00:00+00:00"}
    evaluation = {"commit": attack, "state": attack, "score": 1, **waits}
    document = {
        "platform": {"url": attack, "runtime": attack, "sandbox": attack, **waits},
        "agents": [{"name": attack, "state": attack, "warnings": [attack]}],
        "previews": {"running": attack, "in_progress": attack, "failed": attack},
        "projects": [
            {
                "name": attack,
                "drift": 3,
                "used": {"cpus": 1.0, "memory_mb": 6},
                "total": {"cpus": 0, "memory_mb": 0},
                "environments": environments,
                "evaluations": [evaluation],
            }
        ],
    }
    api.routes["GET /status"] = lambda _: (200, document)
    shown("status")


def test_doctor(shown: Shown, api: FakeApi, attack: str) -> None:
    said = {"about": attack, "subject": attack, "text": attack, "fix": attack, "well": False, "grave": True}
    api.routes["GET /health/checks"] = lambda _: (200, [said, said | {"well": True}])
    shown("doctor")


def test_close(
    shown: Shown, api: FakeApi, monkeypatch: pytest.MonkeyPatch, repository: Path, attack: str
) -> None:
    api.routes["POST /local/projects"] = lambda _: (200, {"id": "01P"})
    api.routes["POST /local/pulls/close"] = lambda _: (200, {"project": "01P", "number": attack})
    api.routes["GET /environments"] = lambda _: (200, [])
    monkeypatch.setattr(waiting, "newest_environments", lambda *_: [])
    shown("close", str(repository))


def test_undo(shown: Shown, api: FakeApi, attack: str) -> None:
    back = {"name": attack, "state": attack, "urls": {attack: attack}}
    api.routes["GET /environments"] = lambda _: (200, [{"id": "01E"}])
    api.routes["POST /environments/01E/undo"] = lambda _: (200, back)
    shown("undo", "pr-1-dinghy")
    refusal = {"error": {"code": attack, "message": attack}}
    api.routes["POST /environments/01E/undo"] = lambda _: (409, refusal)
    shown("undo", "pr-1-dinghy")


def test_screenshots_and_compare(shown: Shown, api: FakeApi, attack: str) -> None:
    test_evidence.served(api, text=attack)
    shown("screenshots", "pr-1-shop")
    shown("compare", "pr-1-shop")


def test_up_and_down(shown: Shown, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, attack: str) -> None:
    monkeypatch.setenv("SEATRIAL_DATA_DIR", str(tmp_path / "own"))

    def start(data: DataDirectory, choices: Any, environ: Any, tell: Callable[[Event], None]) -> None:
        tell(Event(kind="begin", text=ascii(attack)))
        tell(Event(kind="note", text=attack.encode(errors="replace").decode()))
        tell(Event(kind="ready", text=attack.encode(errors="replace").decode()))

    def stop(*_: Any, **__: Any) -> str:
        raise CannotRun(attack, fix=attack)

    monkeypatch.setattr(lifecycle, "run", start)
    monkeypatch.setattr(lifecycle, "stop", stop)
    shown("up")
    shown("down")


def test_backup_and_restore(
    shown: Shown, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, attack: str
) -> None:
    monkeypatch.setenv("SEATRIAL_DATA_DIR", str(tmp_path / "own"))
    monkeypatch.delenv("DB_HOST", raising=False)
    named = attack.replace("\0", "")  # which no argument holds
    shown("restore", named, said=False)  # a path has no empty parts: http:/evil.test
    monkeypatch.setattr(restoring, "back_up", lambda *_: restoring.Backup(Path(named), named))
    shown("backup", named)

    def put_back(data: Any, file: Path, environ: Any, tell: Callable[[Event], None]) -> Path:
        tell(Event(kind="begin", text=ascii(attack)))
        tell(Event(kind="end", text=ascii(attack)))
        return file

    monkeypatch.setattr(restoring, "restore", put_back)
    shown("restore", named)

    def tried(data: Any, file: Path, environ: Any, tell: Callable[[Event], None]) -> drilling.Drilled:
        tell(Event(kind="begin", text=ascii(attack)))
        return drilling.Drilled(file, 1.0, attack, 2, 3, compared=True)

    monkeypatch.setattr(drilling, "drill", tried)
    shown("restore", "--drill", named)


def test_demo(
    shown: Shown, api: FakeApi, monkeypatch: pytest.MonkeyPatch, repository: Path, attack: str
) -> None:
    def stop(*_: Any) -> Any:
        raise CommandError(attack, fix=attack)

    monkeypatch.setattr(demo_module, "make_repository", lambda _: repository)
    monkeypatch.setattr(demo_module, "BRANCH", "feature")
    monkeypatch.setattr(demo_module, "open_pull", stop)
    shown("demo")


def test_the_rest_interfaces_errors_and_mistyped_words(
    shown: Shown, api: FakeApi, repository: Path, attack: str
) -> None:
    refusal = {"error": {"code": attack, "message": attack}}
    api.routes["POST /local/projects"] = lambda _: (409, refusal)
    shown("check", str(repository))
    word = attack.replace("\x00", "")
    shown("check", f"/nowhere/{word}", said=False)  # a path has one slash where an address has two
    shown("check", str(repository), "--branch", word)
    for words in ((attack,), ("manage", attack), ("up", "--runtime", attack)):
        shown(*words)
    shown("up", f"--{attack}", said=False)  # ends at the first equals sign


@pytest.mark.parametrize("bytes_too", [False, True])
def test_a_folders_name(
    shown: Shown, api: FakeApi, tmp_path: Path, repository: Path, attack: str, bytes_too: bool
) -> None:
    name = attack.replace("\x00", "").replace("/", "_")
    folder = repository.rename(tmp_path / (name if bytes_too else name.replace("\udce9", "")))
    head = git(folder, "rev-parse", "HEAD")
    preview_of(api, head, deployment(head, "live"))
    output = shown("preview", str(folder), said=False)
    assert ("not written in UTF-8" if bytes_too else "gVisor") in output


def test_what_moves_on_a_terminal(monkeypatch: pytest.MonkeyPatch, attack: str) -> None:
    stream = io.StringIO()
    stream.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with Phases(Terminal()) as phases:
        phases.begin(attack)
        phases.note(attack)
    ours = re.sub(r"\x1b\[(\d*(;\d+)*m|\?25[lh]|[12]K|1A)|\r", "", stream.getvalue())  # rich's own
    assert obeyed(ours) == []


@pytest.mark.parametrize("words", [("status",), ("preview",), ("check",)])
def test_documents_are_ascii(
    cli: Any, api: FakeApi, repository: Path, attack: str, words: tuple[str, ...]
) -> None:
    head = git(repository, "rev-parse", "HEAD")
    preview_of(api, head, deployment(head, "failed", message=attack, log_tail=[attack]))
    api.routes["POST /environments/01E/rebuild"] = lambda _: (200, {"id": "01E"})
    api.routes["POST /projects/01P/evaluations"] = lambda _: (
        409,
        {"error": {"message": attack, "code": "x"}},
    )
    api.routes["GET /status"] = lambda _: (200, {"name": attack})
    path = [] if words == ("status",) else [str(repository)]
    _, out, err = cli(*words, *path, "--json")
    assert out.isascii() and obeyed(out) == [] and obeyed(err) == []
    assert attack in _texts(json.loads(out))


def _texts(document: Any) -> list[str]:
    """Every text in a document."""
    if isinstance(document, dict):
        document = list(document.values())
    if isinstance(document, list):
        return [text for one in document for text in _texts(one)]
    return [document] if isinstance(document, str) else []


DOORS = {"print", "sys.stdout", "sys.stderr", "typer.echo", "typer.secho", "os.write"}
MEASURE = {"TaskID", "cell_len"}  # of rich, what prints nothing


def test_only_the_terminal_prints() -> None:
    """Another console, `print` or stream would be a second door."""
    found = []
    for file in ROOM.rglob("*.py"):
        for node in nodes(file):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rich"):
                found += [(file.name, name.name) for name in node.names if name.name not in MEASURE]
            elif isinstance(node, ast.Import):
                found += [(file.name, name.name) for name in node.names if name.name.startswith("rich")]
            elif isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in DOORS:
                found.append((file.name, ast.unparse(node)))
    assert {place for place in found if place[0] != "terminal.py"} == {
        ("main.py", "sys.stdout"),  # how signs are written that the terminal lacks
        ("main.py", "sys.stderr"),
    }


def test_every_command_is_attacked_here() -> None:
    names = {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    assert [group.name for group in app.registered_groups] == [
        "projects", "deliveries", "waivers", "tokens", "members", "audit", "policies", "policy", "access", "variables", "registry",
        "keys", "agents", "notices",
    ]  # fmt: skip
    assert names == {
        "up", "down", "backup", "restore", "preview", "check", "close", "undo", "status", "doctor", "demo", "manage", "agent", "connect",
        "pulls", "approve", "extend", "pin", "unpin", "sleep", "wake", "init", "evaluations", "scores", "report", "verify", "recipe",
        "logs", "open", "exec", "port-forward",
        "reset-data", "save-data", "snapshots", "remove-snapshot",
        "screenshots", "compare",
    }, "a new command: attack it above"  # fmt: skip


def test_keys(shown: Shown, api: FakeApi, attack: str) -> None:
    kind = {"name": attack, "purpose": attack, "command": attack, "count": attack, "rotated_at": attack}
    master = {"newest": attack, "sealing": "", "behind": 0, "fallbacks": []}
    lost = {"what": attack, "how": attack}
    api.routes["GET /keys"] = lambda _: (200, {"master_key": master, "keys": [kind], "lost": [lost]})
    api.routes["POST /keys/master-key/rewrap"] = lambda _: (200, master)
    closed = {"opened": 1, "failed": 0, "closed": [{"reason": attack}]}
    api.routes["POST /keys/master-key/verify"] = lambda _: (200, closed)
    api.routes["POST /keys/signing-key/rotate"] = lambda _: (200, {"key_id": attack})
    shown("keys", "list")
    shown("keys", "rewrap")
    shown("keys", "verify")
    shown("keys", "rotate", "signing-key")
    api.routes["GET /connections"] = lambda _: (200, [{"id": "01C", "name": attack, "base_url": attack}])
    api.routes["POST /connections/01C/rotate-webhook-secret"] = lambda _: (200, {"secret": attack})
    shown("keys", "rotate", "webhook-secret")


def test_connect_and_projects(
    shown: Shown, api: FakeApi, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"id": "01C", "name": attack, "base_url": attack}
    lacks = {"name": attack, "given": False, "without": attack}
    account = {"login": attack, "missing": [], "expires_at": attack, "rights": [lacks]}
    api.routes["POST /connections"] = lambda _: (200, {**row, "account": account})
    api.routes["POST /github/apps"] = lambda _: (200, {**row, "account": account})
    api.routes["GET /connections"] = lambda _: (200, [row])
    api.routes["GET /projects"] = lambda _: (200, [{"slug": attack, "forge": attack, "web_url": attack}])
    repository = {"full_name": attack, "project": "", "manageable": False}
    api.routes["GET /connections/01C/repositories"] = lambda _: (200, [repository])
    api.routes["POST /connections/01C/projects"] = lambda _: (
        200,
        {"projects": [{"full_name": attack}], "refused": [{"full_name": attack, "why": attack}]},
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO("token"))
    shown("connect", "github")
    shown("connect", "github", "--app-id", "1", "--key-file", __file__)
    request = {"id": "01A", "open": attack, "redirect_uri": attack, "scopes": [attack], "problem": attack}
    decided = {**request, "state": "authorized", "connection": "01C"}
    api.routes["POST /authorizations"] = lambda _: (200, {**request, "state": "waiting"})
    api.routes["GET /authorizations/01A"] = lambda _: (200, decided)
    api.routes["GET /connections/01C"] = lambda _: (200, {**row, "account": account})
    shown("connect", "gitlab", "--oauth")
    decided["state"] = "refused"
    shown("connect", "gitlab", "--oauth")
    shown("projects")
    shown("projects", "available")
    shown("projects", "add", "acme/shop")
    found = {"id": "01P", "slug": attack, "name": attack, "forge": attack, "web_url": attack}
    api.routes["GET /projects"] = lambda _: (200, [found])
    for operation in ("PATCH /projects/01P", "POST /projects/01P/archive", "POST /projects/01P/restore"):
        api.routes[operation] = lambda _: (200, found)
    api.routes["DELETE /projects/01P"] = lambda _: (202, found)
    shown("projects", "set", "01P", "--ttl-hours", "1")
    shown("projects", "archive", "01P")
    shown("projects", "restore", "01P")
    shown("projects", "remove", "01P", "--confirm", "x")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    shown("projects", "remove", "01P", said=False)


def test_deliveries(shown: Shown, api: FakeApi, attack: str) -> None:
    at = "2026-01-01T00:00:00+00:00"
    row = {
        "id": attack, "delivery_id": attack, "event": attack, "result": attack, "outcome": attack, "repository": attack,
        "number": attack, "fetched": True, "received_at": at, "handled_at": at, "fix": attack, "payload": attack,
        "headers": {attack: attack}, "tries": [{"at": at, "failed": True, "outcome": attack, "by": attack}],
    }  # fmt: skip
    api.routes["GET /deliveries"] = lambda _: (200, [row])
    api.routes["GET /deliveries/01D"] = lambda _: (200, row)
    api.routes["POST /deliveries/01D/replay"] = lambda _: (200, row)
    api.routes["GET /connections"] = lambda _: (200, [{"id": "01C", "name": attack, "base_url": attack}])
    tried = {"sender": attack, "delivery": attack, "result": attack, "problem": attack}
    api.routes["POST /connections/01C/test"] = lambda _: (200, {"login": attack, "webhook": tried})
    shown("deliveries", "list")
    shown("deliveries", "show", "01D")
    shown("deliveries", "replay", "01D")
    shown("deliveries", "test")
    shown("deliveries", "list", "--search", attack.replace("\x00", ""))
    shown("deliveries", "show", attack.replace("\x00", ""), said=False)


def test_init(shown: Shown, attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    given = attack.replace("\x00", "")
    shown("init", "--file", given, "--check", said=False)
    for option in ("--kind", "--site-url", "--preview-domain", "--forge", "--ca-file", "--tag"):
        shown("init", option, given, said=False)
    Path(".env").write_text(f'SITE_URL="{given}"\nGALLEY_KEEP_DAY="{given}"\n{given}="x"\n', errors="replace")
    shown("init", "--check", said=False)
    shown("init", "--force", "--print", said=False)


def test_waivers(shown: Shown, api: FakeApi, attack: str) -> None:
    words = (
        "id",
        "project_name",
        "policy",
        "path",
        "reason",
        "state",
        "requested_by",
        "expires_at",
        "note",
        "page_url",
    )
    row = {**dict.fromkeys(words, attack), "fingerprint": ""}
    api.routes["GET /waivers"] = lambda _: (200, [row, {**row, "path": "", "fingerprint": attack}])
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    api.routes["POST /projects/01P/waivers"] = lambda _: (200, row)
    shown("waivers", "list")
    shown("waivers", "request", "shop", "no-secrets", "--reason", attack.replace("\x00", ""))
    for what in ("approve", "reject", "withdraw"):
        api.routes[f"POST /waivers/01W/{what}"] = lambda _: (200, row)
        shown("waivers", what, "01W")


def test_policies(shown: Shown, api: FakeApi, attack: str) -> None:
    row = {
        "workspace": attack,
        "permitted": True,
        "permitted_by": attack,
        "permitted_at": attack,
        "asking": [attack],
    }
    api.routes["GET /workspaces/default/network"] = lambda _: (200, row)
    api.routes["PATCH /workspaces/default/network"] = lambda _: (200, {**row, "permitted": False})
    shown("policies", "network")
    shown("policies", "network", "--forbid")
    rollout = {
        "policy": attack,
        "id": "01P",
        "workspace": attack,
        "level": attack,
        "demoted": attack,
        "ratchet": True,
        "attachments": [],
    }
    api.routes["GET /policies/no-secrets/rollout"] = lambda _: (200, rollout)
    api.routes["PATCH /policies/01P/level"] = lambda _: (200, rollout)
    shown("policies", "level", "no-secrets")
    shown("policies", "level", "no-secrets", "hard")
    at = {"id": attack, "target": attack, "level": attack, "reason": attack, "starts_at": attack}
    rollout["attachments"] = [{**at, "excluded": excluded} for excluded in (True, False)]
    api.routes["POST /policies/01P/attachments"] = lambda _: (200, rollout)
    api.routes["DELETE /policies/01P/attachments/01A"] = lambda _: (200, rollout)
    shown("policies", "attach", "no-secrets", "--all", "--starts", "2027-01-31")
    shown("policies", "exclude", "no-secrets", "--label", "old", "--reason", "it ends soon")
    shown("policies", "detach", "no-secrets", "01A")
    api.routes["PATCH /policies/01P/ratchet"] = lambda _: (200, rollout)
    shown("policies", "ratchet", "no-secrets", "--on")
    verdict = {"state": "passed", "results": [], "glass": attack, "message": attack, "page_url": attack}
    for what in ("break-glass", "mend-glass"):
        api.routes[f"POST /evaluations/01E/{what}"] = lambda _: (200, verdict)
    shown("policies", "break-glass", "01E", "--reason", "the shop is down")
    shown("policies", "mend-glass", "01E")


def test_audit(shown: Shown, api: FakeApi, attack: str, tmp_path: Path) -> None:
    words = ("id", "actor", "actor_kind", "action", "target", "workspace", "address")
    row = {**dict.fromkeys(words, attack), "at": "2026-05-31T09:30:00+00:00", "details": {attack: attack}}
    api.routes["GET /audit"] = lambda _: (200, [row])
    shown("audit", "list")
    fault = {"kind": attack, "number": 1, "entry": attack, "says": attack}
    found = {"ended": True, "entries": 1, "head": attack, "waiting": 1, "removed": 1, "removed_at": row["at"]}
    for one in (fault, None):
        line = json.dumps({**found, "fault": one}).encode()
        api.routes["GET /audit/verify"] = lambda _, line=line: (200, line)
        shown("audit", "verify")
    api.routes["GET /audit/export"] = lambda _: (200, attack.encode(errors="replace"))
    shown("audit", "export", str(tmp_path / "audit.csv"), said=False)
