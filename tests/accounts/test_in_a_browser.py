"""In a real Chromium: to a provider and back, and a passkey from being made to signing in, with no error on the way."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from playwright.sync_api import expect
from pydantic import SecretStr

from seatrial.control.accounts.models import User
from tests.accounts.providers.place import Account, Place
from tests.dashboard.faults import grave_faults

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.chromium, pytest.mark.postgres]
PASSWORD = "correct horse battery"


@pytest.fixture
def place(served: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A GitLab that knows this server, which has the address that the browser uses."""
    place = Place(
        "gitlab",
        f"{served}/accounts/gitlab/login/callback/",
        Account(7, "jane", groups={"acme": "developer"}),
    )
    with place.serving(None):
        values = {
            "gitlab_url": place.url,
            "gitlab_client_id": place.client_id,
            "gitlab_client_secret": SecretStr(place.client_secret),
            "auth_allowed_groups": "acme",
        }
        monkeypatch.setattr(settings, "CONFIGURATION", settings.CONFIGURATION.model_copy(update=values))
        monkeypatch.setattr(settings, "SITE_URL", served)
        yield place


@pytest.fixture
def page(browser: "Browser", place: Place, served: str) -> Iterator["Page"]:
    """Nothing may go wrong on it, and nothing come from elsewhere than us and the provider."""
    page = browser.new_context().new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((served, place.url, "data:")) else wrong.append(asked.url),
    )
    yield page
    assert wrong == []
    page.context.close()


def sound(page: "Page", axe: str) -> None:
    """No serious fault for people who use a keyboard or a screen reader."""
    assert grave_faults(page, axe) == [], page.url
    assert page.locator("h1").count() == 1


def test_to_the_provider_and_back(page: "Page", place: Place, served: str, axe: str) -> None:
    page.goto(f"{served}/agents")
    sound(page, axe)
    page.get_by_role("button", name="Sign in with GitLab").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served}/agents")
    expect(page.get_by_role("link", name="jane")).to_be_visible()
    page.get_by_role("link", name="jane").click()
    expect(page.locator("main")).to_contain_text("GitLab: jane")
    sound(page, axe)


def test_a_passkey_is_made_and_signs_in(page: "Page", place: Place, served: str, axe: str) -> None:
    User.objects.create_user("alice", password=PASSWORD)
    device(page)
    page.goto(f"{served}/accounts/login/?next=/accounts/security/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Add a passkey").click()
    sound(page, axe)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name, to tell it from others").fill("This laptop")
    sound(page, axe)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("h1")).to_have_text("Recovery codes")
    sound(page, axe)
    page.goto(f"{served}/accounts/security/")
    expect(page.locator("main")).to_contain_text("This laptop")
    sound(page, axe)
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{served}/accounts/login/?next=/accounts/security/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{served}/accounts/security/")
    expect(page.locator("main")).to_contain_text("How you sign in as alice")


def test_a_device_that_refuses_is_said_in_words(page: "Page", place: Place, served: str) -> None:
    device(page, verified=False)
    page.goto(f"{served}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("The browser was given no passkey"))


def device(page: "Page", *, verified: bool = True) -> Any:
    """A virtual one, which keeps passkeys and says that its owner is there."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
               "isUserVerified": verified, "automaticPresenceSimulation": True}  # fmt: skip
    return session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
