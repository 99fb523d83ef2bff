"""Lists, invitations and roles are asked about at each sign-in; sessions end."""

from datetime import timedelta
from io import StringIO

import pytest
from allauth.mfa.totp.internal import auth
from django.core.management import CommandError, call_command
from django.utils import timezone

from seatrial.control.accounts import retention
from seatrial.control.accounts.admission import invitations, names
from seatrial.control.accounts.models import Invitation, Membership, Role, User, Workspace
from seatrial.control.accounts.pages import still_watching
from seatrial.control.accounts.providers.configured import ProviderKind
from seatrial.control.accounts.services import set_role
from seatrial.control.audit.models import AuditEntry
from seatrial.control.listed import RANKS, ROLES, Source
from tests.accounts.providers.conftest import Browser, Configure, Opened
from tests.accounts.second_factor.device import code

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
MAP = "gitlab:acme#owner=default:admin, gitlab:acme=default:developer, gitlab:acme/*=default:viewer, gitlab:acme=gone:owner"

STEP = 58_000_000  # of an authenticator app's clock, which stands still


def home() -> Workspace:
    return Workspace.objects.get(slug="default")


def held() -> dict[str, str]:
    rows = Membership.objects.select_related("user")
    return {row.user.username: row.role for row in rows}


def test_whoever_left_does_not_come_back_and_what_they_had_open_ends(
    opened: Opened, configure: Configure, browser: Browser, another: Browser
) -> None:
    place = opened("gitlab", groups={"acme": "developer"})
    configure(auth_allowed_groups="acme", auth_role_map=MAP)
    browser.sign_in(place)
    assert browser.client.get("/agents").status_code == 200 and held() == {"octocat": "developer"}
    place.person.groups.clear()
    assert another.sign_in(place).status_code == 403
    assert browser.client.get("/agents").status_code == 302
    assert held() == {} and User.objects.get().is_active
    place.person.groups["acme"] = "developer"
    assert another.sign_in(place).status_code == 302


def test_a_session_ends_at_its_hour_however_busy_it_is(
    opened: Opened, configure: Configure, browser: Browser
) -> None:
    place = opened("gitlab", groups={"acme": "developer"})
    configure(auth_allowed_groups="acme", auth_session_hours=2)
    browser.sign_in(place)
    ends = browser.client.session.get_expiry_date()
    assert timedelta(hours=1.9) < ends - timezone.now() <= timedelta(hours=2)
    session = browser.client.session
    session["something"] = "new"
    session.save()
    assert browser.client.session.get_expiry_date() == ends
    request = browser.client.get("/agents").wsgi_request
    assert still_watching(request) is not None
    session.set_expiry(timezone.now() - timedelta(seconds=1))
    session.save()
    assert still_watching(request) is None and browser.client.get("/agents").status_code == 302


def test_a_closed_account_stays_closed(
    opened: Opened, configure: Configure, browser: Browser, another: Browser
) -> None:
    place = opened("gitlab", groups={"acme": "developer"})
    configure(auth_allowed_groups="acme")
    browser.sign_in(place)
    User.objects.update(is_active=False)
    another.sign_in(place)
    assert another.user is None
    assert "This account is closed" in another.client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ({"acme": "owner"}, "admin"),
        ({"acme": "maintainer"}, "developer"),
        ({"acme": "guest"}, "developer"),
        ({"acme/platform": "owner"}, "viewer"),
        ({"acme/platform": "owner", "acme": "developer"}, "developer"),
        ({"elsewhere": "owner"}, None),
    ],
)
def test_what_somebody_is_there_gives_the_role_here_and_no_more(
    opened: Opened, configure: Configure, browser: Browser, groups: dict[str, str], role: str | None
) -> None:
    configure(auth_allowed_groups="acme,acme/*,elsewhere", auth_role_map=MAP)
    browser.sign_in(opened("gitlab", groups=groups))
    assert held() == ({"octocat": role} if role else {})


@pytest.mark.parametrize(("rank", "role"), [("owner", "owner"), ("admin", "admin"), ("member", "developer")])
def test_ranks_of_an_organisation_are_asked_for(
    opened: Opened, configure: Configure, browser: Browser, rank: str, role: str
) -> None:
    rules = "gitea:acme#owner=default:owner,gitea:acme#admin=default:admin,gitea:acme=default:developer"
    configure(auth_allowed_organisations="gitea:acme", auth_role_map=rules)
    browser.sign_in(opened("gitea", groups={"acme": rank}))
    assert held() == {"octocat": role}


def test_roles_follow_at_the_next_sign_in_and_are_recorded(
    opened: Opened, configure: Configure, browser: Browser
) -> None:
    configure(auth_allowed_groups="acme,other", auth_role_map=MAP)
    place = opened("gitlab", groups={"acme": "owner"})
    for groups, role in [
        ({"acme": "owner"}, "admin"),
        ({"acme": "guest"}, "developer"),
        ({"other": "owner"}, None),
    ]:
        place.person.groups = groups
        browser.sign_in(place)
        assert held() == ({"octocat": role} if role else {})
    rows = AuditEntry.objects.filter(action__startswith="member.").order_by("id")
    assert [(row.action, row.details["role"], row.actor) for row in rows] == [
        ("member.add", "admin", "system"),
        ("member.change_role", "developer", "system"),
        ("member.remove", "developer", "system"),
    ]
    assert rows[0].details["by"] == "AUTH_ROLE_MAP" and rows[0].workspace == home().pk


def test_a_role_set_by_hand_stays(opened: Opened, configure: Configure, browser: Browser) -> None:
    configure(auth_allowed_groups="acme,other", auth_role_map=MAP)
    place = opened("gitlab", groups={"acme": "owner"})
    browser.sign_in(place)
    set_role(home(), User.objects.get(), Role.VIEWER)
    for groups in ({"acme": "owner"}, {"other": "guest"}):
        place.person.groups = groups
        browser.sign_in(place)
        assert held() == {"octocat": "viewer"}


def invited(account: str, *more: str) -> str:
    said = StringIO()
    call_command("invite", account, *more, stdout=said)
    return said.getvalue()


def test_an_invited_account_comes_in_with_its_role(
    opened: Opened, browser: Browser, another: Browser
) -> None:
    place = opened("github")
    assert "github:octocat may sign in until" in invited("GitHub:Octocat", "--role", "viewer")
    assert browser.sign_in(place).status_code == 302 and held() == {"octocat": "viewer"}
    place.person.login = "renamed"
    assert another.sign_in(place).status_code == 302, "it is the same account"
    actions = AuditEntry.objects.values_list("action", flat=True)
    assert {"invitation.create", "invitation.accept", "member.add"} <= set(actions)


def test_nobody_else_uses_an_invitation(opened: Opened, browser: Browser, another: Browser) -> None:
    place = opened("github")
    invited("github:octocat")
    invited("gitlab:somebody")
    browser.sign_in(place)
    place.person.id = 8  # the login was given up, and taken by somebody else
    assert another.sign_in(place).status_code == 403
    place.person.login = "somebody"
    assert another.sign_in(place).status_code == 403, "that one is for an account at GitLab"


def test_an_invitation_that_is_late_or_taken_back_counts_no_more(
    opened: Opened, browser: Browser, another: Browser
) -> None:
    place = opened("github")
    invited("github:octocat")
    Invitation.objects.update(expires_at=timezone.now())
    assert browser.sign_in(place).status_code == 403
    invited("github:octocat")
    assert browser.sign_in(place).status_code == 302
    assert "its sessions have ended" in invited("github:octocat", "--revoke")
    assert browser.client.get("/agents").status_code == 302
    assert another.sign_in(place).status_code == 403


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["octocat"], "Write it like github:octocat"),
        (["myspace:tom"], "Write it like"),
        (["github:"], "Write it like"),
        (["github:a b"], "Write it like"),
        (["github:octocat", "--workspace", "nowhere"], "there is no 'nowhere', only: default"),
        (["github:octocat", "--role", "king"], "invalid choice"),
        (["github:octocat", "--revoke"], "has no invitation"),
    ],
)
def test_what_is_wrong_with_an_invitation_is_named(words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        invited(*words)
    assert not Invitation.objects.exists()


def test_an_invitation_says_when_nobody_can_use_it_yet() -> None:
    assert "Nobody can sign in with GitHub yet: see docs/sign-in.md" in invited("github:octocat")


def test_accepting_twice_at_once_gives_one_role(db: None) -> None:
    from seatrial.control.accounts.providers.identity import Identity
    from seatrial.control.audit.actors import SYSTEM

    first, second = User.objects.create_user("one"), User.objects.create_user("two")
    invitation = invitations.invite(ProviderKind.GITHUB, "octocat", home(), Role.OWNER)
    for uid, user in (("1", first), ("2", second)):
        invitations.accept((invitation,), Identity(ProviderKind.GITHUB, uid, "octocat"), user, by=SYSTEM)
    assert held() == {"one": "owner"}


def test_the_roles_of_the_map_are_those_of_workspaces() -> None:
    assert list(ROLES) == list(Role)
    assert set(RANKS) == set(Source)


def test_only_invitations_that_nobody_accepted_are_deleted_a_week_after_they_expired(
    opened: Opened, browser: Browser
) -> None:
    place = opened("github")
    for account in ("github:octocat", "github:late", "github:later"):
        invited(account)
    browser.sign_in(place)
    now = timezone.now()
    Invitation.objects.exclude(login="later").update(expires_at=now - timedelta(days=8))
    retention.prune(now)
    assert set(Invitation.objects.values_list("login", flat=True)) == {"octocat", "later"}


def test_a_second_factor_is_asked_for_after_the_provider_and_the_session_ends_all_the_same(
    opened: Opened, configure: Configure, browser: Browser, another: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "yield_hotp_counters_from_time", lambda: iter([STEP]))
    place = opened("gitlab", groups={"acme": "developer"})
    configure(auth_allowed_groups="acme", auth_session_hours=2)
    browser.sign_in(place)
    secret = "A" * 32
    auth.TOTP.activate(User.objects.get(), secret)
    assert another.sign_in(place, next="/agents")["Location"] == "/accounts/2fa/authenticate/"
    assert another.user is None and another.client.get("/agents").status_code == 302
    (*_, token) = place.tokens
    assert token not in str(dict(another.client.session))
    done = another.client.post("/accounts/2fa/authenticate/", {"code": code(secret, STEP)})
    assert done["Location"] == "/agents" and another.user
    assert another.client.session.get_expiry_date() - timezone.now() <= timedelta(hours=2)


def test_two_first_sign_ins_at_once_make_one_person(
    opened: Opened, configure: Configure, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = opened("gitlab", groups={"acme": "developer"})
    configure(auth_allowed_groups="acme")
    User.objects.create_user("quicker")
    monkeypatch.setattr(names, "free", lambda _: "quicker")
    answer = browser.sign_in(place)
    assert answer.status_code == 409 and "Begin again" in answer.content.decode()
    assert User.objects.count() == 1 and browser.user is None
