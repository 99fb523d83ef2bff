"""Connections over REST: tried before they are kept, repositories chosen, and the wrong person refused."""

from pathlib import Path
from typing import Any

import pytest

from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges.models import PostedComment
from seatrial.control.outbox.services import Instruction
from seatrial.control.projects.models import Connection, Project
from tests.forges.hosts.site import Site
from tests.triggers.conftest import waiting
from tests.triggers.hosted import BOT, SHOP, Team, asked

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def test_a_credential_that_is_refused_is_not_kept(site: Site, team: Team) -> None:
    status, answer = team.call("owner", "POST", "/connections", asked(site, credential="wrong"))
    assert status == 400 and "401" in answer["error"]["message"]
    site.people[BOT].scopes = "read:user"
    status, answer = team.call("owner", "POST", "/connections", asked(site))
    assert status == 400 and "the scope repo" in answer["error"]["message"]
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_url": "github.com"}, "no address"),
        ({"base_url": "https://me:secret@git.test"}, "no user, password"),
        ({"base_url": "http://127.0.0.1:1"}, "does not answer"),
        ({"credential": " "}, "A credential is missing"),
        ({"forge": "local"}, "on this server"),
        ({"forge": "sourceforge"}, "does not speak"),
    ],
)
def test_what_cannot_be_a_connection_is_refused_with_the_reason(
    changes: dict[str, str], said: str, site: Site, team: Team
) -> None:
    status, answer = team.call("owner", "POST", "/connections", asked(site, **changes))
    assert status in {400, 404} and said in answer["error"]["message"]
    assert "secret" not in str(answer) and not Connection.objects.exists()


def test_who_may_not_manage_is_refused(site: Site, connection: str, team: Team) -> None:
    doors: list[tuple[str, str, Any]] = [
        ("POST", "/connections", asked(site)),
        ("POST", f"/connections/{connection}/test", None),
        ("GET", f"/connections/{connection}/repositories", None),
        ("POST", f"/connections/{connection}/projects", {"repositories": [SHOP]}),
    ]
    asked_before = len(site.asked)
    for method, path, body in doors:
        assert team.call("developer", method, path, body)[0] in {403, 404}, path
        if path != "/connections":
            assert team.call("stranger", method, path, body)[0] == 404, path
    assert team.call("developer", "GET", "/connections")[1] == []
    assert team.call("stranger", "POST", "/connections", asked(site, workspace="team"))[0] == 404
    assert len(site.asked) == asked_before and not Project.objects.exists()


def test_the_credential_is_shown_to_nobody(site: Site, connection: str, team: Team) -> None:
    (shown,) = team.call("owner", "GET", "/connections")[1]
    row = Connection.objects.get()
    for secret in (site.people[BOT].token, str(row.webhook_secret)):
        assert secret not in str(shown)
        assert secret not in str(list(AuditEntry.objects.values()))


def test_connecting_again_changes_the_credential_and_keeps_the_secret(
    site: Site, connection: str, team: Team
) -> None:
    secret = str(Connection.objects.get().webhook_secret)
    site.people[BOT].token = "renewed"
    status, answer = team.call("owner", "POST", "/connections", asked(site))
    assert status == 200 and answer["id"] == connection
    row = Connection.objects.get()
    assert (str(row.credential), str(row.webhook_secret)) == ("renewed", secret)
    assert team.call("owner", "POST", f"/connections/{connection}/test")[1]["login"] == BOT


def test_repositories_are_listed_and_chosen(site: Site, connection: str, team: Team, source: Path) -> None:
    site.repository("acme/docs", source, admin=BOT)
    listed = team.call("owner", "GET", f"/connections/{connection}/repositories?search=SHO")[1]
    assert [(one["full_name"], one["project"]) for one in listed] == [(SHOP, "")]
    body = {"repositories": [SHOP, "acme/none", SHOP, "acme/docs"]}
    chosen = team.call("owner", "POST", f"/connections/{connection}/projects", body)[1]
    assert [one["full_name"] for one in chosen["projects"]] == [SHOP, "acme/docs"]
    assert [one["full_name"] for one in chosen["refused"]] == ["acme/none"]
    listed = team.call("owner", "GET", f"/connections/{connection}/repositories")[1]
    assert all(one["project"] for one in listed)
    assert team.call("owner", "POST", f"/connections/{connection}/projects", body)[1] == chosen
    assert waiting(Instruction.WEBHOOK)
    assert PostedComment.objects.count() == 0
