"""Admins of a workspace invite accounts to it on the page People, and nobody else does."""

import pytest
from django.test import Client

from seatrial.control.accounts.admission import invitations
from seatrial.control.accounts.models import Invitation, Membership, Role, User, Workspace
from seatrial.control.accounts.providers.configured import ProviderKind
from seatrial.control.audit.models import AuditEntry
from tests.accounts.providers.conftest import Browser, Opened

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
PEOPLE = {"owner": Role.OWNER, "admin": Role.ADMIN, "developer": Role.DEVELOPER, "viewer": Role.VIEWER}


@pytest.fixture
def home() -> Workspace:
    """With one of each role; the stranger is the owner of another workspace."""
    space = Workspace.objects.get(slug="default")
    for name, role in PEOPLE.items():
        Membership.objects.create(workspace=space, user=User.objects.create_user(name), role=role)
    stranger = User.objects.create_user("stranger")
    Membership.objects.create(
        workspace=Workspace.objects.create(slug="other", name="Other"), user=stranger, role=Role.OWNER
    )
    return space


def client(name: str) -> Client:
    made = Client()
    made.force_login(User.objects.get(username=name), "allauth.account.auth_backends.AuthenticationBackend")
    return made


def invite(name: str, space: Workspace, **more: str) -> int:
    form = {"workspace": space.pk, "provider": "github", "login": "Octocat", "role": "developer", **more}
    return client(name).post("/people", form).status_code


def test_whom_an_admin_invites_comes_in(opened: Opened, home: Workspace, browser: Browser) -> None:
    place = opened("github")
    assert invite("admin", home, role="viewer") == 302
    browser.sign_in(place)
    assert Membership.objects.get(user__username="octocat").role == "viewer"
    page = client("admin").get("/people").content.decode()
    assert "github:octocat" in page and "accepted" in page
    entry = AuditEntry.objects.get(action="invitation.create")
    assert (entry.actor, entry.workspace) == ("admin", home.pk)


@pytest.mark.parametrize(("name", "status"), [("developer", 403), ("viewer", 403), ("stranger", 400)])
def test_nobody_else_invites(opened: Opened, home: Workspace, name: str, status: int) -> None:
    opened("github")
    assert invite(name, home) == status
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(("name", "status"), [("developer", 404), ("viewer", 404), ("stranger", 404)])
def test_nobody_else_takes_one_back(home: Workspace, name: str, status: int) -> None:
    one = invitations.invite(ProviderKind.GITHUB, "octocat", home, Role.VIEWER)
    assert client(name).post(f"/people/invitations/{one.pk}/revoke").status_code == status
    assert Client().post(f"/people/invitations/{one.pk}/revoke").status_code == 302
    assert Invitation.objects.exists()
    assert client("admin").post(f"/people/invitations/{one.pk}/revoke").status_code == 302
    assert not Invitation.objects.exists()


def test_only_owners_let_owners_in_and_out(opened: Opened, home: Workspace) -> None:
    opened("github")
    assert invite("admin", home, role="owner") == 403
    assert invite("owner", home, role="owner") == 302
    one = Invitation.objects.get()
    assert client("admin").post(f"/people/invitations/{one.pk}/revoke").status_code == 403
    assert invite("admin", home, role="viewer") == 403, "that would take the owner's invitation away"
    assert Invitation.objects.get().role == "owner"
    assert client("owner").post(f"/people/invitations/{one.pk}/revoke").status_code == 302


def test_the_page_shows_only_ones_own_workspaces(home: Workspace) -> None:
    for name in ("developer", "viewer"):
        assert client(name).get("/people").status_code == 403
    page = client("stranger").get("/people").content.decode()
    assert "Other" in page and "Default" not in page and '<th scope="row">admin</th>' not in page
    assert '<th scope="row">admin</th>' in client("owner").get("/people").content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"login": ""},
        {"login": "a b"},
        {"login": "\x00"},
        {"login": "x" * 300},
        {"role": "king"},
        {"provider": "gitlab"},
        {"provider": "myspace"},
        {"workspace": "\x00"},
    ],
)
def test_what_is_wrong_is_said_and_nobody_is_invited(
    opened: Opened, home: Workspace, wrong: dict[str, str]
) -> None:
    opened("github")
    assert invite("admin", home, **wrong) == 400
    assert not Invitation.objects.exists()


def test_without_a_provider_people_with_an_account_here_are_invited(home: Workspace) -> None:
    page = client("admin").get("/people").content.decode()
    assert "sets up sign-in with one of them first" in page
    assert invite("admin", home) == 400, "nobody can sign in with GitHub"
    assert invite("admin", home, provider="here", login="stranger") == 302
    assert Invitation.objects.get().user == User.objects.get(username="stranger")
