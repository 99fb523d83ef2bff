"""People with an account here connect one of a provider themselves, while they are signed in."""

import pytest
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.test import Client

from seatrial.control.accounts.models import Membership, User
from seatrial.control.audit.models import AuditEntry
from tests.accounts.providers.conftest import HOST, Browser, Configure, Opened, led_to

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
PASSWORD = "correct horse battery"


def person(name: str) -> User:
    return User.objects.create_user(name, password=PASSWORD)


def signed_in(browser: Browser, name: str) -> None:
    form = {"login": name, "password": PASSWORD}
    assert browser.client.post("/accounts/login/", form).status_code == 302


def connect(browser: Browser, opened: Opened, kind: str = "github"):
    """Press the button, say again who it is, and go through with it."""
    place = opened(kind)
    asked = browser.client.post(f"/accounts/{kind}/login/", {"process": "connect"})
    assert asked.status_code == 302 and asked["Location"].startswith("/accounts/reauthenticate/")
    leaving = led_to(
        browser.client.post(asked["Location"], {"password": PASSWORD, "next": f"/accounts/{kind}/login/"})
    )
    return place, browser.client.get(browser.come_back(leaving))


def test_whoever_connects_an_account_signs_in_with_it_whatever_the_lists_say(
    opened: Opened, browser: Browser, another: Browser
) -> None:
    alice = person("alice")
    signed_in(browser, "alice")
    place, answer = connect(browser, opened)
    assert answer["Location"] == "/accounts/security/"
    assert "GitHub: octocat" in browser.client.get("/accounts/security/").content.decode()
    another.sign_in(place)
    assert another.user == str(alice.pk)
    entry = AuditEntry.objects.get(action="user.link")
    assert (entry.actor, entry.target, entry.details) == (
        "alice",
        "user/alice",
        {"account": "github:octocat"},
    )


def test_a_problem_while_connecting_leads_back_to_the_account(browser: Browser) -> None:
    person("alice")
    signed_in(browser, "alice")
    page = browser.client.get("/accounts/gitlab/login/").content.decode()
    assert "<title>Not connected" in page and "Back to your account" in page and "Back to sign-in" not in page


def test_without_saying_again_who_it_is_nothing_begins(opened: Opened, browser: Browser) -> None:
    person("alice")
    signed_in(browser, "alice")
    opened("github")
    asked = browser.client.post("/accounts/github/login/", {"process": "connect"})
    wrong = browser.client.post(asked["Location"], {"password": "wrong", "next": "/accounts/github/login/"})
    assert b"http-equiv" not in wrong.content and not SocialAccount.objects.exists()


def test_a_stranger_connects_nothing(opened: Opened, browser: Browser) -> None:
    opened("github")
    answer = browser.client.post("/accounts/github/login/", {"process": "connect"})
    assert answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")


def test_an_account_that_is_somebody_elses_stays_theirs(
    opened: Opened, configure: Configure, browser: Browser, another: Browser
) -> None:
    alice, _ = person("alice"), person("mallory")
    signed_in(browser, "alice")
    connect(browser, opened)
    signed_in(another, "mallory")
    _, answer = connect(another, opened)
    assert answer.status_code == 302
    page = another.client.get("/accounts/security/").content.decode()
    assert "connected to somebody else" in page and "octocat" not in page
    assert SocialAccount.objects.get().user == alice


def test_an_address_leads_to_nobodys_account(opened: Opened, configure: Configure, browser: Browser) -> None:
    alice = User.objects.create_user("alice", "alice@example.com", PASSWORD)
    configure(auth_allowed_domains="example.com")
    place = opened("github", login="mallory", emails={"alice@example.com": True})
    browser.sign_in(place)
    assert browser.user != str(alice.pk) and not SocialAccount.objects.filter(user=alice).exists()


def test_a_connected_account_is_taken_away_by_its_owner(
    opened: Opened, browser: Browser, another: Browser
) -> None:
    person("alice")
    signed_in(browser, "alice")
    place, _ = connect(browser, opened)
    key = SocialAccount.objects.get().pk
    stranger = Client(headers={"host": HOST})
    assert stranger.post(f"/accounts/security/unlink/{key}/").status_code == 302
    person("mallory")
    signed_in(another, "mallory")
    another.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert another.client.post(f"/accounts/security/unlink/{key}/").status_code == 404
    assert SocialAccount.objects.exists()
    assert browser.client.post(f"/accounts/security/unlink/{key}/").status_code == 302
    assert not SocialAccount.objects.exists()
    assert AuditEntry.objects.get(action="user.unlink").target == "user/alice"
    another.client.post("/accounts/logout/")
    assert another.sign_in(place).status_code == 403


def test_nobody_takes_away_their_only_way_in(opened: Opened, configure: Configure, browser: Browser) -> None:
    configure(auth_allowed_organisations="github:acme")
    place = opened("github", groups={"acme": "member"})
    browser.sign_in(place)
    browser.client.post(f"/accounts/security/unlink/{SocialAccount.objects.get().pk}/")
    assert SocialAccount.objects.exists()
    assert browser.client.get("/accounts/password/change/").headers["Location"] == "/accounts/security/"


def test_whoever_a_list_let_in_does_not_outlive_it_by_another_account(
    opened: Opened, configure: Configure, browser: Browser, another: Browser
) -> None:
    configure(auth_allowed_groups="acme")
    place = opened("gitlab", groups={"acme": "developer"})
    browser.sign_in(place)
    own = opened("github", login="at-home")
    browser.client.get(browser.come_back(browser.leave(own, process="connect")))
    assert SocialAccount.objects.filter(provider="github").exists()
    place.person.groups.clear()
    assert another.sign_in(own).status_code == 403


def test_whoever_also_has_a_password_gets_no_role_by_the_map(
    opened: Opened, configure: Configure, browser: Browser, another: Browser
) -> None:
    person("alice")
    configure(auth_role_map="github:acme=default:owner")
    signed_in(browser, "alice")
    place, _ = connect(browser, opened)
    place.person.groups["acme"] = "admin"
    another.sign_in(place)
    assert another.user and not Membership.objects.exists()


def test_whoever_takes_long_there_says_again_who_it_is_and_no_token_waits_in_the_session(
    opened: Opened, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("alice")
    signed_in(browser, "alice")
    place = opened("github")
    asked = browser.client.post("/accounts/github/login/", {"process": "connect"})
    leaving = led_to(
        browser.client.post(asked["Location"], {"password": PASSWORD, "next": "/accounts/github/login/"})
    )
    with monkeypatch.context() as patch:
        patch.setattr(settings, "ACCOUNT_REAUTHENTICATION_TIMEOUT", 0, raising=False)
        again = browser.client.get(browser.come_back(leaving))
    assert again["Location"] == "/accounts/reauthenticate/" and not SocialAccount.objects.exists()
    (token,) = place.tokens
    assert "octocat" in str(dict(browser.client.session)) and token not in str(dict(browser.client.session))
    browser.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert SocialAccount.objects.get().user.username == "alice"
