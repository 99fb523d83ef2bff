"""Who sees which entries, by page and REST: the instance admin all, admins and owners those of their workspaces."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts import tokens
from seatrial.control.accounts.models import Membership, Role
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.audit.sealing import head, seal
from seatrial.control.audit.services import record
from tests import factories
from tests.audit.tampering import sealed, tamper
from tests.factories import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
LIST, EXPORT, VERIFY = "/api/v1/audit", "/api/v1/audit/export", "/api/v1/audit/verify"


class Log:
    """Entries of the workspace harbour, of another one, and of the whole instance."""

    def __init__(self) -> None:
        self.cast = Cast()
        self.root, self.ada = factories.user("root", is_superuser=True), factories.user("ada")
        Membership.objects.create(workspace=self.cast.workspace, user=self.ada, role=Role.ADMIN)
        Membership.objects.create(workspace=self.cast.elsewhere, user=self.ada, role=Role.DEVELOPER)
        by = Actor.person("alice", address="10.0.0.9")
        record("project.create", "project/ours", by=by, workspace=self.cast.workspace.pk)
        record(
            "project.change", "project/ours", by=SYSTEM, workspace=self.cast.workspace.pk, details={"n": 1}
        )
        record("project.create", "project/theirs", by=SYSTEM, workspace=self.cast.elsewhere.pk)
        record("agent.register", "agent/one", by=SYSTEM)

    def people(self) -> dict[str, Any]:
        return {"root": self.root, "ada": self.ada, **vars(self.cast)}

    def client(self, name: str) -> Client:
        made = Client()
        made.force_login(self.people()[name])
        return made

    def targets(self, name: str, **asked: str) -> list[str]:
        rows = self.client(name).get(LIST, asked).json()
        return [row["target"] for row in rows if not row["action"].startswith("user.")]


@pytest.fixture
def log() -> Log:
    return Log()


def test_everybody_sees_what_their_role_says(log: Log) -> None:
    assert log.targets("root") == ["agent/one", "project/theirs", "project/ours", "project/ours"]
    assert log.targets("alice") == log.targets("ada") == ["project/ours"] * 2
    assert log.targets("charlie") == ["project/theirs"]
    page = log.client("ada").get("/audit").content.decode()
    assert "project/ours" in page and "project/theirs" not in page and "agent/one" not in page


@pytest.mark.parametrize("address", [LIST, EXPORT, VERIFY, "/audit"])
def test_others_are_refused(log: Log, address: str) -> None:
    assert log.client("bob").get(address).status_code == 403
    assert Client().get(address).status_code in {401, 302}


def test_only_the_instance_admin_verifies(log: Log) -> None:
    for name in ("alice", "ada", "bob", "charlie"):
        assert log.client(name).get(VERIFY).status_code == 403
        assert log.client(name).post("/audit/verify").status_code == 403
    assert "Verify now" not in log.client("alice").get("/audit").content.decode()
    root = log.client("root")
    assert "Not verified yet" in root.get("/audit").content.decode()
    page = root.post("/audit/verify", follow=True).content.decode()
    assert "Verified" in page and str(head()) in page
    tamper("UPDATE audit_log SET actor = 'bob' WHERE target = 'agent/one'")
    page = root.post("/audit/verify", follow=True).content.decode()
    assert "is not what was sealed" in page and 'role="alert"' in page


def test_a_token_with_scopes_is_refused(log: Log) -> None:
    token = tokens.make(log.cast.alice, "reader", ["read"], 1, by=SYSTEM)
    for address in (LIST, EXPORT, VERIFY):
        assert Client(headers={"Authorization": f"Bearer {token}"}).get(address).status_code == 403


def test_filters_combine_on_the_page_and_in_rest(log: Log) -> None:
    assert log.targets("root", action="project.", actor="ALI") == ["project/ours"]
    assert log.targets("root", action="project.create") == ["project/theirs", "project/ours"]
    assert log.targets("root", target="their") == ["project/theirs"]
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    assert log.targets("root", since=later) == [] and len(log.targets("root", until=later)) == 4
    page = log.client("root").get("/audit", {"action": "project.", "actor": "ali", "until": later[:16]})
    said = page.content.decode()
    assert said.count("project/ours") == 1 and "project/theirs" not in said and "agent/one" not in said
    assert f"format=csv&amp;actor=ali&amp;action=project.&amp;until={quote(later[:16])}" in said
    assert '<option value="agent.register">' in said
    nothing = log.client("root").get("/audit", {"since": later[:16]}).content.decode()
    assert "Nothing matches" in nothing and "Show all entries" in nothing


def test_links_to_older_entries_keep_the_filters(log: Log) -> None:
    for number in range(51):
        record("x.y", f"x/{number}", by=SYSTEM)
    page = log.client("root").get("/audit", {"action": "x.", "actor": "system"}).content.decode()
    assert "?action=x.&amp;actor=system&amp;before=" in page


def test_what_is_no_time_is_said(log: Log) -> None:
    page = log.client("root").get("/audit", {"since": "yesterday"}).content.decode()
    assert "From: yesterday is no time." in page and "agent/one" not in page
    assert log.client("root").get(LIST, {"since": "yesterday"}).status_code == 422
    assert log.client("root").get(VERIFY, {"head": "12"}).json()["error"]["code"] == "invalid"
    nul = log.client("root").get("/audit", {"actor": "a\x00", "before": "x"})
    assert nul.status_code == 200


def test_a_list_comes_a_page_at_a_time(log: Log) -> None:
    root = log.client("root")
    first = root.get(LIST, {"limit": "2", "action": "project."})
    assert len(first.json()) == 2
    following = first["Link"].partition("<")[2].partition(">")[0].partition("/api/")[2]
    (last,) = root.get(f"/api/{following}").json()
    assert last["action"] == "project.create" and last["address"] == "10.0.0.9"


@pytest.mark.django_db(transaction=True)
def test_files_and_verifying_are_streamed(served: str, speak: Callable[..., Any]) -> None:
    """By a real server: what streams may use no connection of the request."""
    log = Log()
    seal()
    with speak(served, log.cast.alice) as alice:
        answer = alice.get("/audit/export", params={"format": "jsonl", "action": "project."})
        assert [json.loads(line)["target"] for line in answer.text.splitlines()] == ["project/ours"] * 2
        assert answer.headers["Content-Disposition"].endswith('.jsonl"')
        table = alice.get("/audit/export", params={"target": "ours"}).text
        assert table.count("\r\n") == 3 and "project/theirs" not in table
        exported = AuditEntry.objects.filter(action="audit_log.export").order_by("pk")
        assert [one.details for one in exported] == [
            {"format": "jsonl", "action": "project."},
            {"format": "csv", "target": "ours"},
        ]
    with speak(served, log.root) as root:
        kept = str(head())
        lines = [
            json.loads(line)
            for line in root.get("/audit/verify", params={"head": kept}).text.splitlines()
            if line
        ]
        assert [one["ended"] for one in lines] == [False] * (len(lines) - 1) + [True]
        assert lines[-1]["fault"] is None and lines[-1]["head"] == kept
        wrong = kept.replace(":", ":0")[:-1]
        last = root.get("/audit/verify", params={"head": wrong}).text.splitlines()[-1]
        assert json.loads(last)["fault"]["kind"] == "other_head"


def test_without_the_web_process_a_command_verifies(capsys: pytest.CaptureFixture[str]) -> None:
    entry, *_ = sealed(2)
    call_command("audit_verify", "--head", str(head()), "--json")
    assert json.loads(capsys.readouterr().out)["head"] == str(head())
    call_command("audit_verify")
    assert f"head {head()}" in capsys.readouterr().out
    with pytest.raises(CommandError, match="NUMBER:HASH"):
        call_command("audit_verify", "--head", "x")
    tamper(f"UPDATE audit_log SET target = 'y' WHERE id = '{entry.pk}'")
    with pytest.raises(CommandError, match="changed"):
        call_command("audit_verify")
