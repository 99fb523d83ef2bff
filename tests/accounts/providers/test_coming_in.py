"""Whole sign-ins, with each provider, of people on and off the lists."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.conf import settings
from django.contrib.sessions.models import Session

from seatrial.control.accounts.models import User
from seatrial.control.audit.models import AuditEntry
from tests.accounts.providers.conftest import Browser, Configure, Opened

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

LISTS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("github", {"auth_allowed_organisations": "github:acme"}, {"groups": {"Acme": "member"}}),
    (
        "github",
        {"auth_allowed_domains": "example.com"},
        {"emails": {"o@mail.test": True, "o@example.com": True}},
    ),
    ("gitlab", {"auth_allowed_groups": "acme/platform"}, {"groups": {"acme/platform": "developer"}}),
    ("gitlab", {"auth_allowed_groups": "acme/*"}, {"groups": {"acme/platform/core": "guest"}}),
    ("gitlab", {"auth_allowed_domains": "example.com"}, {"emails": {"o@Example.com": True}}),
    ("gitea", {"auth_allowed_organisations": "gitea:acme"}, {"groups": {"acme": "owner"}}),
    ("gitea", {"auth_allowed_domains": "example.com"}, {"emails": {"o@example.com": True}}),
    (
        "google",
        {"auth_allowed_domains": "example.com"},
        {"emails": {"o@example.com": True}, "hosted": "example.com"},
    ),
    ("google", {"auth_allowed_domains": "gmail.com"}, {"emails": {"o@gmail.com": True}}),
]


@pytest.mark.parametrize(("kind", "lists", "account"), LISTS)
def test_whoever_a_list_names_comes_in(
    opened: Opened,
    configure: Configure,
    browser: Browser,
    kind: str,
    lists: dict[str, str],
    account: dict[str, Any],
) -> None:
    place = opened(kind, **account)
    configure(**lists)
    answer = browser.sign_in(place)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    user = User.objects.get()
    assert browser.user == str(user.pk) and user.email == "" and not user.has_usable_password()
    assert not user.is_superuser and not user.memberships.exists()
    linked = SocialAccount.objects.get()
    assert (linked.provider, linked.uid) == (kind, "7")
    assert set(linked.extra_data) == {"login"}
    assert browser.client.get("/").status_code == 200


OFF_THE_LISTS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("github", {}, {"groups": {"acme": "admin"}}),
    ("github", {"auth_allowed_organisations": "github:acme"}, {"groups": {"acme-2": "member"}}),
    ("github", {"auth_allowed_organisations": "gitea:acme"}, {"groups": {"acme": "member"}}),
    ("github", {"auth_allowed_domains": "example.com"}, {"emails": {"o@example.com": False}}),
    (
        "github",
        {"auth_allowed_domains": "example.com"},
        {"emails": {"o@example.com.evil.test": True, "example.com@evil.test": True}},
    ),
    ("gitlab", {"auth_allowed_groups": "acme"}, {"groups": {"acme/platform": "owner"}}),
    ("gitlab", {"auth_allowed_groups": "acme/*"}, {"groups": {"acme": "owner", "acmes/x": "owner"}}),
    ("gitlab", {"auth_allowed_groups": "acme"}, {"groups": {"other/acme": "owner"}}),
    ("gitlab", {"auth_allowed_domains": "example.com"}, {"emails": {"o@example.com": False}}),
    ("gitea", {"auth_allowed_organisations": "gitea:acme"}, {}),
    ("gitea", {"auth_allowed_domains": "example.com"}, {"emails": {"o@example.com": False}}),
    (
        "google",
        {"auth_allowed_domains": "example.com"},
        {"emails": {"o@example.com": False}, "hosted": "example.com"},
    ),
    (
        "google",
        {"auth_allowed_domains": "example.com"},
        {"emails": {"o@example.com": True}},
    ),  # a private account
]


@pytest.mark.parametrize(("kind", "lists", "account"), OFF_THE_LISTS)
def test_nobody_else_does_and_the_lists_stay_unsaid(
    opened: Opened,
    configure: Configure,
    browser: Browser,
    kind: str,
    lists: dict[str, str],
    account: dict[str, Any],
) -> None:
    place = opened(kind, **account)
    configure(**lists)
    answer = browser.sign_in(place)
    page = answer.content.decode()
    assert answer.status_code == 403 and "Ask an admin of this server" in page
    assert "acme" not in page and "example.com" not in page
    assert browser.user is None
    assert not User.objects.exists() and not SocialAccount.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.details["problem"]) == (
        "user.sign_in_failed",
        "user/(unknown)",
        "not_admitted",
    )


def test_only_what_is_needed_is_asked_for(opened: Opened, configure: Configure, browser: Browser) -> None:
    place = opened("github", groups={"acme": "member"})
    asked = parse_qs(urlsplit(browser.leave(place)).query, keep_blank_values=True)
    assert asked["scope"] == [""] and asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [place.callback]
    configure(auth_allowed_organisations="github:acme")
    assert parse_qs(urlsplit(browser.leave(place)).query)["scope"] == ["read:org"]
    browser.sign_in(place)
    assert not [one for one in place.asked if "emails" in one]


def test_people_are_sent_back_to_our_address_whatever_the_proxy_says(
    opened: Opened, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = opened("gitlab")
    monkeypatch.setattr(settings, "SITE_URL", "https://localhost:3000")
    asked = parse_qs(urlsplit(browser.leave(place)).query)
    assert asked["redirect_uri"] == ["https://localhost:3000/accounts/gitlab/login/callback/"]


def test_organisations_of_further_pages_count(opened: Opened, configure: Configure, browser: Browser) -> None:
    for kind in ("github", "gitea"):
        place = opened(kind, groups={f"other-{number}": "member" for number in range(7)} | {"acme": "member"})
        place.page = 3
        configure(auth_allowed_organisations=f"{kind}:acme")
        assert browser.sign_in(place).status_code == 302, kind


def test_a_second_time_it_is_the_same_person_also_under_another_name(
    opened: Opened, configure: Configure, browser: Browser, another: Browser
) -> None:
    place = opened("gitlab", groups={"acme": "developer"})
    configure(auth_allowed_groups="acme")
    browser.sign_in(place)
    place.person.login = "renamed"
    another.sign_in(place)
    assert another.user == browser.user and User.objects.get().username == "octocat"
    assert SocialAccount.objects.get().extra_data == {"login": "renamed"}


def test_a_name_that_is_taken_leads_to_nobodys_account(
    opened: Opened, configure: Configure, browser: Browser
) -> None:
    admin = User.objects.create_superuser("octocat", "octocat@example.com", "correct horse battery")
    place = opened("github", emails={"octocat@example.com": True})
    configure(auth_allowed_domains="example.com")
    assert browser.sign_in(place).status_code == 302
    made = User.objects.exclude(pk=admin.pk).get()
    assert browser.user == str(made.pk) and made.username == "octocat-2" and not made.is_superuser
    admin.refresh_from_db()
    assert (
        admin.check_password("correct horse battery")
        and not SocialAccount.objects.filter(user=admin).exists()
    )


def test_no_token_of_a_provider_is_kept_anywhere(
    opened: Opened, configure: Configure, browser: Browser
) -> None:
    place = opened("gitlab", groups={"acme": "developer"})
    configure(auth_allowed_groups="acme")
    browser.sign_in(place)
    (token,) = place.tokens
    sessions = str([one.get_decoded() for one in Session.objects.all()])
    kept = f"{sessions} {list(AuditEntry.objects.values())} {list(SocialAccount.objects.values())}"
    assert token not in kept and place.client_secret not in kept and not SocialToken.objects.exists()
    assert not [one for one in place.asked if token in one], "in an address it would be in logs"


def test_the_audit_log_says_who_came_and_how(opened: Opened, configure: Configure, browser: Browser) -> None:
    place = opened("gitlab", groups={"acme": "developer"})
    configure(auth_allowed_groups="acme")
    browser.sign_in(place)
    made, signed_in = AuditEntry.objects.order_by("id")
    assert (made.action, made.target, made.details) == (
        "user.create",
        "user/octocat",
        {"account": "gitlab:octocat", "because": "gitlab:acme"},
    )
    assert (signed_in.action, signed_in.actor, signed_in.details) == (
        "user.sign_in",
        "octocat",
        {"by": ["gitlab"]},
    )


def test_whoever_wanted_a_page_gets_there_and_nowhere_else(
    opened: Opened, configure: Configure, browser: Browser, another: Browser
) -> None:
    place = opened("gitlab", groups={"acme": "developer"})
    configure(auth_allowed_groups="acme")
    assert browser.sign_in(place, next="/agents")["Location"] == "/agents"
    for elsewhere in ("https://evil.test/", "//evil.test/", "http:evil.test", "javascript:alert(1)"):
        assert another.sign_in(place, next=elsewhere)["Location"] == "/"
