"""Members and invitations: who changes what, that it counts at once, and that nobody becomes a member who did not accept."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts import members, tokens
from seatrial.control.accounts.access import Action, allowed
from seatrial.control.accounts.admission import invitations
from seatrial.control.accounts.models import Invitation, Membership, Role, User, Workspace
from seatrial.control.accounts.pages import still_watching
from seatrial.control.accounts.providers.configured import ProviderKind
from seatrial.control.accounts.providers.identity import Identity
from seatrial.control.audit.actors import SYSTEM, Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.entrance.models import GuestLink
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
TESTER = Actor.person("test")
HERE = "/api/v1/workspaces/harbour"


class Crew:
    """Olga and Otto own the harbour, Ada is its admin, Dan a developer, Vera a viewer. Charlie owns another workspace."""

    def __init__(self) -> None:
        self.people = {
            name: factories.user(name) for name in ("olga", "otto", "ada", "dan", "vera", "charlie")
        }
        self.harbour = factories.workspace("harbour", owner=self.people["olga"])
        for name, role in (("otto", "owner"), ("ada", "admin"), ("dan", "developer"), ("vera", "viewer")):
            Membership.objects.create(workspace=self.harbour, user=self.people[name], role=role)
        self.elsewhere = factories.workspace("elsewhere", owner=self.people["charlie"])

    def ask(self, who: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        token = tokens.issue(self.people[who], "test", by=TESTER)
        client = Client(headers={"Authorization": f"Bearer {token}"})
        sent = json.dumps(body) if body is not None else ""
        answer = client.generic(method, path, sent, content_type="application/json")
        return answer.status_code, answer.json()

    def browser(self, who: str) -> Client:
        client = Client()
        client.force_login(self.people[who])
        return client

    def roles(self) -> dict[str, str]:
        rows = Membership.objects.filter(workspace=self.harbour)
        return {row.user.username: row.role for row in rows.select_related("user")}


@pytest.fixture
def crew() -> Crew:
    return Crew()


def test_an_admin_lists_the_members_with_how_they_came(crew: Crew) -> None:
    status, rows = crew.ask("ada", "GET", f"{HERE}/members")
    assert status == 200 and [row["username"] for row in rows] == ["ada", "dan", "olga", "otto", "vera"]
    assert rows[0] | {"since": 0} == {"username": "ada", "workspace": "harbour", "role": "admin", "mapped": False,
                                      "by": "", "active": True, "since": 0}  # fmt: skip
    assert [crew.ask(who, "GET", f"{HERE}/members")[0] for who in ("dan", "vera", "charlie")] == [
        403,
        403,
        404,
    ]


@pytest.mark.parametrize(("who", "status"), [("dan", 403), ("vera", 403), ("charlie", 404)])
def test_nobody_else_changes_or_removes_a_member(crew: Crew, who: str, status: int) -> None:
    before = crew.roles()
    assert crew.ask(who, "PATCH", f"{HERE}/members/vera", {"role": "owner"})[0] == status
    assert crew.ask(who, "DELETE", f"{HERE}/members/vera")[0] == status
    page = crew.browser(who)
    assert page.post("/people/harbour/role", {"username": "vera", "role": "admin"}).status_code == status
    assert page.post("/people/harbour/remove", {"username": "vera"}).status_code == status
    assert crew.roles() == before


def test_another_role_counts_at_once_and_is_recorded(crew: Crew) -> None:
    status, row = crew.ask("ada", "PATCH", f"{HERE}/members/vera", {"role": "developer"})
    assert (status, row["role"]) == (200, "developer")
    page = crew.browser("ada")
    page.post("/people/harbour/role", {"username": "dan", "role": "viewer"})
    page.post("/people/harbour/role", {"username": "olga", "role": "king"})
    assert crew.roles() == {
        "olga": "owner",
        "otto": "owner",
        "ada": "admin",
        "dan": "viewer",
        "vera": "developer",
    }
    entries = AuditEntry.objects.filter(action="member.change_role").values_list("target", flat=True)
    assert set(entries) == {"user/dan", "user/vera"}


def test_an_admin_neither_makes_owners_nor_touches_them(crew: Crew) -> None:
    assert crew.ask("ada", "PATCH", f"{HERE}/members/ada", {"role": "owner"})[0] == 403
    assert crew.ask("ada", "PATCH", f"{HERE}/members/olga", {"role": "viewer"})[0] == 403
    assert crew.ask("ada", "DELETE", f"{HERE}/members/olga")[0] == 403
    body = {"account": "charlie", "role": "owner"}
    assert crew.ask("ada", "POST", f"{HERE}/invitations", body)[0] == 403
    assert crew.roles()["olga"] == "owner" and not Invitation.objects.exists()
    assert crew.ask("olga", "PATCH", f"{HERE}/members/ada", {"role": "owner"})[0] == 200


def test_a_workspace_keeps_an_owner(crew: Crew) -> None:
    assert crew.ask("otto", "DELETE", "/api/v1/memberships/harbour")[0] == 200
    for method, path, body in (
        ("DELETE", "/api/v1/memberships/harbour", None),
        ("DELETE", f"{HERE}/members/olga", None),
        ("PATCH", f"{HERE}/members/olga", {"role": "admin"}),
    ):
        status, said = crew.ask("olga", method, path, body)
        assert (status, said["error"]["code"]) == (409, "last_owner")
    page = crew.browser("olga")
    assert "only owner" in page.post("/memberships/harbour/leave", follow=True).content.decode()
    assert (
        "only owner"
        in page.post("/people/harbour/remove", {"username": "olga"}, follow=True).content.decode()
    )
    assert crew.roles()["olga"] == "owner"


def test_an_owner_whose_account_is_closed_does_not_count(crew: Crew) -> None:
    User.objects.filter(username="otto").update(is_active=False)
    with pytest.raises(members.LastOwner, match="Make somebody else an owner first"):
        members.leave(crew.people["olga"], "harbour", by=TESTER)


def test_who_is_removed_has_nothing_left_at_the_next_request(crew: Crew) -> None:
    environment = factories.running(factories.pull_request(factories.project(crew.harbour, "shop")))
    link = {"environment": environment, "expires_at": timezone.now() + timedelta(days=1)}
    for number, by in enumerate(("dan", "dan (token:ci)", "vera")):
        GuestLink.objects.create(digest=f"d{number}", by=by, **link)
    browser, path = crew.browser("dan"), f"/environments/{environment.pk}"
    token = Client(
        headers={"Authorization": f"Bearer {tokens.make(crew.people['dan'], 'ci', ['read'], 1, by=TESTER)}"}
    )
    assert browser.get(path).status_code == 200 and token.get(f"/api/v1{path}").status_code == 200
    assert crew.ask("ada", "DELETE", f"{HERE}/members/dan")[0] == 200
    assert browser.get(path).status_code == 404 and token.get(f"/api/v1{path}").status_code == 404
    assert token.get("/api/v1/projects").json() == []
    assert list(GuestLink.objects.values_list("by", flat=True)) == ["vera"]
    actions = AuditEntry.objects.filter(workspace=crew.harbour.pk).values_list("action", flat=True)
    assert {"member.remove", "guest_link.revoke"} <= set(actions)


def test_an_open_stream_ends_with_the_membership(crew: Crew) -> None:
    request = crew.browser("dan").get("/memberships").wsgi_request
    project = factories.project(crew.harbour)
    watcher = still_watching(request)
    assert watcher is not None and allowed(watcher, Action.VIEW, project)
    members.remove(crew.harbour, "dan", asking=crew.people["olga"], by=TESTER)
    watcher = still_watching(request)
    assert watcher is not None and not allowed(watcher, Action.VIEW, project)


def test_somebody_with_an_account_is_no_member_before_they_accept(crew: Crew) -> None:
    status, made = crew.ask("ada", "POST", f"{HERE}/invitations", {"account": "charlie", "role": "developer"})
    assert status == 200 and (made["account"], made["role"], made["by"]) == (
        "here:charlie",
        "developer",
        "ada (token:test)",
    )
    assert "charlie" not in crew.roles()
    path = f"/api/v1/invitations/{made['id']}"
    assert [crew.ask(who, "POST", f"{path}/accept")[0] for who in ("ada", "olga", "dan")] == [404, 404, 404]
    assert "Somebody invites you" in crew.browser("charlie").get("/").content.decode()
    page = crew.browser("charlie").get("/memberships").content.decode()
    assert "harbour" in page and "Accept" in page
    assert [row["id"] for row in crew.ask("charlie", "GET", "/api/v1/invitations")[1]] == [made["id"]]
    assert crew.ask("charlie", "POST", f"{path}/accept")[0] == 200
    assert crew.roles()["charlie"] == "developer"
    assert Membership.objects.get(user__username="charlie", workspace=crew.harbour).by == "ada (token:test)"
    assert crew.ask("charlie", "POST", f"{path}/accept")[0] == 404, "it has done what it is for"


def test_who_declines_stays_outside(crew: Crew) -> None:
    page = crew.browser("ada")
    form = {"workspace": crew.harbour.pk, "provider": "here", "login": "charlie", "role": "viewer"}
    assert page.post("/people", form).status_code == 302
    row = Invitation.objects.get()
    assert crew.browser("dan").post(f"/invitations/{row.pk}/accept").status_code == 404
    assert crew.browser("charlie").post(f"/invitations/{row.pk}/decline").status_code == 302
    assert "charlie" not in crew.roles() and not Invitation.objects.exists()
    assert AuditEntry.objects.filter(action="invitation.decline").exists()


def test_an_invitation_is_taken_back_where_it_was_made(crew: Crew) -> None:
    """Ada is an admin here, and an owner elsewhere: that does not let her take back what only owners here may."""
    Membership.objects.create(workspace=crew.elsewhere, user=crew.people["ada"], role=Role.OWNER)
    row = invitations.invite_here("charlie", crew.harbour, Role.OWNER, by=TESTER)
    assert crew.ask("ada", "DELETE", f"{HERE}/invitations/{row.pk}")[0] == 403
    assert crew.ask("ada", "DELETE", f"/api/v1/workspaces/elsewhere/invitations/{row.pk}")[0] == 404
    assert Invitation.objects.exists()


def test_an_invitation_that_is_late_or_taken_back_cannot_be_accepted(crew: Crew) -> None:
    late = invitations.invite_here("charlie", crew.harbour, Role.VIEWER, by=TESTER)
    Invitation.objects.update(expires_at=timezone.now())
    assert crew.ask("charlie", "POST", f"/api/v1/invitations/{late.pk}/accept")[0] == 404
    again = invitations.invite_here("charlie", crew.harbour, Role.VIEWER, by=TESTER)
    assert again.pk == late.pk and crew.ask("ada", "GET", f"{HERE}/invitations")[1][0]["id"] == late.pk
    assert crew.ask("dan", "DELETE", f"{HERE}/invitations/{late.pk}")[0] == 403
    assert crew.ask("ada", "DELETE", f"{HERE}/invitations/{late.pk}")[0] == 200
    assert crew.ask("charlie", "POST", f"/api/v1/invitations/{late.pk}/accept")[0] == 404
    assert "charlie" not in crew.roles()


@pytest.mark.parametrize(
    ("account", "said"),
    [
        ("nobody", "Nobody here is called"),
        ("dan", "already"),
        ("myspace:tom", "names no account"),
        ("a b", "no spaces"),
    ],
)
def test_what_cannot_be_invited_is_said(crew: Crew, account: str, said: str) -> None:
    status, answer = crew.ask("ada", "POST", f"{HERE}/invitations", {"account": account, "role": "viewer"})
    assert (status, answer["error"]["code"]) == (409, "invitation_impossible") and said in answer["error"][
        "message"
    ]
    assert not Invitation.objects.exists()


def test_a_member_who_signs_in_with_an_invited_account_is_asked_first(crew: Crew) -> None:
    charlie = crew.people["charlie"]
    made = invitations.invite(ProviderKind.GITHUB, "charlie", crew.harbour, Role.ADMIN, by=SYSTEM)
    invitations.accept((made,), Identity(ProviderKind.GITHUB, "7", "charlie"), charlie, by=SYSTEM)
    assert "charlie" not in crew.roles() and list(invitations.of(charlie)) == [made]
    invitations.answer(charlie, made.pk, accepts=True, by=TESTER)
    assert crew.roles()["charlie"] == "admin"
    assert invitations.accepted_by(Identity(ProviderKind.GITHUB, "7", "charlie")), "it is their way in"


def test_a_token_with_scopes_neither_joins_nor_leaves(crew: Crew) -> None:
    token = tokens.make(crew.people["dan"], "ci", ["read", "previews:write"], 1, by=TESTER)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.delete("/api/v1/memberships/harbour").status_code == 403
    assert client.get("/api/v1/memberships").status_code == 403
    assert crew.roles()["dan"] == "developer"


def test_one_leaves_for_oneself(crew: Crew) -> None:
    assert [row["role"] for row in crew.ask("dan", "GET", "/api/v1/memberships")[1]] == ["developer"]
    assert crew.browser("dan").post("/memberships/harbour/leave").status_code == 302
    assert "dan" not in crew.roles() and crew.ask("dan", "DELETE", "/api/v1/memberships/harbour")[0] == 404
    assert Workspace.objects.filter(slug="harbour").exists()
    assert AuditEntry.objects.filter(action="member.leave", target="user/dan").exists()
