"""Connections by OAuth: asked for, allowed at the code host, kept; and everything that can go wrong on the way is said."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pydantic import SecretStr
from werkzeug.wrappers import Response

from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges.models import Hook
from seatrial.control.forges.oauth.models import Authorization, AuthorizationRequest
from seatrial.control.forges.oauth.pair import pair_of
from seatrial.control.projects.models import Connection
from tests.forges.hosts.oauth import Application, OAuthSite
from tests.triggers.conftest import wait_is_over
from tests.triggers.hosted import BOT, SHOP, Team

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

HOST = urlsplit(settings.SITE_URL).netloc
BACK = f"{settings.SITE_URL}/connections/authorized"


@pytest.fixture(params=["gitlab", "gitea"])
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


gitlab = pytest.mark.parametrize("which", ["gitlab"], indirect=True)


@pytest.fixture
def application(site: OAuthSite) -> Application:
    return site.application(BACK)


@pytest.fixture
def browser(team: Team) -> Client:
    return signed_in(team, "owner")


def signed_in(team: Team, who: str) -> Client:
    client = Client(HTTP_HOST=HOST)
    client.force_login(team.people[who])
    return client


def form(site: OAuthSite, team: Team, application: Application, **changes: str) -> dict[str, str]:
    return {
        "workspace": team.workspace.pk,
        "base_url": site.url,
        "client_id": application.client_id,
        "client_secret": application.secret,
        "name": "",
        **changes,
    }


def led(browser: Client, path: str, data: dict[str, str]) -> str:
    """Where the page leads that a form is answered with."""
    answer = browser.post(path, data)
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.content.decode())
    assert found is not None, answer.content.decode()
    return unescape(found[1])


def back(site: OAuthSite, address: str, *, login: str = BOT, allow: bool = True) -> str:
    """Where the browser goes, once a button was pressed at the code host."""
    there = urlsplit(site.decided(address, login, allow=allow).headers["Location"])
    assert f"{there.scheme}://{there.netloc}{there.path}" == BACK
    return f"{there.path}?{there.query}"


Connect = Callable[..., Connection]


@pytest.fixture
def authorized(site: OAuthSite, team: Team, application: Application, browser: Client) -> Connection:
    address = led(browser, f"/connections/new/{site.kind}/authorize", form(site, team, application))
    assert browser.get(back(site, address)).status_code == 302
    return Connection.objects.get()


def text_of(browser: Client, path: str) -> tuple[int, str]:
    answer = browser.get(path)
    return answer.status_code, unescape(answer.content.decode())


def test_a_form_a_button_there_and_it_is_connected(
    site: OAuthSite, team: Team, application: Application, browser: Client
) -> None:
    _, page = text_of(browser, f"/connections/new/{site.kind}")
    assert BACK in page and "an account of its own" in page
    address = led(browser, f"/connections/new/{site.kind}/authorize", form(site, team, application))
    assert address.startswith(f"{site.url}{site.authorize_path}?")
    asked = parse_qs(urlsplit(address).query)
    assert asked["scope"] == [site.oauth_scopes] and asked["code_challenge_method"] == ["S256"]
    shown = browser.get(back(site, address), follow=True).content.decode()
    row = Connection.objects.get()
    (grant,) = site.grants
    pair = pair_of(str(row.credential))
    assert pair is not None and pair.access_token == grant.access and pair.refresh_token == grant.refresh
    assert f"Connected as {BOT}" in shown and "authorized by" in shown
    (entry,) = AuditEntry.objects.filter(action="connection.authorize")
    assert entry.details["account"] == BOT and row.authorization.by == team.people["owner"].username
    everything = shown + str(list(AuditEntry.objects.values())) + str(dict(browser.session))
    for secret in (grant.access, grant.refresh, application.secret):
        assert secret not in everything
    found = team.call("owner", "GET", f"/connections/{row.pk}/repositories")[1]
    assert [one["full_name"] for one in found] == [SHOP]
    assert team.call("owner", "GET", f"/connections/{row.pk}")[1]["authorization"]["ended"] is False


@gitlab
def test_what_was_pasted_is_kept_nowhere_but_with_the_connection(authorized: Connection) -> None:
    row = AuthorizationRequest.objects.get()
    assert (str(row.client_secret), str(row.verifier)) == ("", "")
    assert row.connection == authorized and row.authorized_at is not None


@gitlab
@pytest.mark.parametrize("how", ["another state", "another session", "an hour later", "twice", "nothing"])
def test_what_was_not_begun_here_is_not_finished(
    how: str,
    site: OAuthSite,
    team: Team,
    application: Application,
    browser: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = led(browser, "/connections/new/gitlab/authorize", form(site, team, application))
    path = back(site, address)
    if how == "another state":
        path = re.sub("state=[^&]+", "state=guessed", path)
    elif how == "another session":
        browser = signed_in(team, "owner")
    elif how == "an hour later":
        AuthorizationRequest.objects.update(until=timezone.now() - timedelta(seconds=1))
    elif how == "twice":
        browser.get(path)
        Connection.objects.all().delete()
    else:
        path = "/connections/authorized"
    before = len(site.token_requests)
    status, page = text_of(browser, path)
    assert status == 400 and "This authorization is over" in page and settings.SITE_URL in page
    assert not Connection.objects.exists() and len(site.token_requests) == before


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("said no", "Somebody said no"),
        ("wrong secret", "does not accept the application"),
        ("late code", "does not accept its own code"),
        ("too few scopes", "too few scopes"),
        ("does not answer", "502"),
        ("no forge", "gives no token"),
    ],
)
def test_what_goes_wrong_is_said_with_its_fix(
    how: str, said: str, site: OAuthSite, team: Team, application: Application, browser: Client
) -> None:
    if how == "too few scopes":
        application.scopes = "openid"
    address = led(browser, f"/connections/new/{site.kind}/authorize", form(site, team, application))
    path = back(site, address, allow=how != "said no")
    if how == "wrong secret":
        application.secret = "renewed"
    elif how == "late code":
        for code in site.codes.values():
            code.ends_at = 0
    elif how in {"does not answer", "no forge"}:
        site.faults.append(Response("{}", 502 if how == "does not answer" else 200))
    status, page = text_of(browser, path)
    assert status == 400 and said in page and "Begin again" in page
    row = AuthorizationRequest.objects.get()
    assert said in row.problem and not Connection.objects.exists() and not site.grants
    (entry,) = AuditEntry.objects.filter(action="connection.not_authorized")
    assert application.secret not in page + row.problem + str(entry.details)


@gitlab
def test_a_wrong_redirect_uri_is_known_before_anybody_leaves(
    site: OAuthSite, team: Team, application: Application, browser: Client
) -> None:
    """The code host says it on a page of its own, and leads nobody back."""
    application.redirect_uri = "https://elsewhere.test/back"
    address = led(browser, f"/connections/new/{site.kind}/authorize", form(site, team, application))
    assert site.decided(address, BOT).status_code == 400
    _, page = text_of(browser, f"/connections/authorizations/{AuthorizationRequest.objects.get().pk}")
    assert BACK in page and "names another redirect URI" in page


def test_an_account_with_too_few_scopes_is_refused_and_its_tokens_end(
    site: OAuthSite, team: Team, application: Application, browser: Client
) -> None:
    address = led(browser, f"/connections/new/{site.kind}/authorize", form(site, team, application))
    path = back(site, address)
    for code in site.codes.values():
        code.scopes = site.too_few.replace(site.separator, " ")
    status, page = text_of(browser, path)
    assert status == 400 and "lacks the scope" in page and not Connection.objects.exists()
    assert all(one.withdrawn for one in site.grants) == bool(site.revoke_path)


def test_authorizing_again_is_for_the_same_account(
    site: OAuthSite, team: Team, authorized: Connection, browser: Client, application: Application
) -> None:
    (first,) = site.grants
    path = f"/connections/{authorized.pk}/authorize"
    _, page = text_of(browser, path)
    assert (
        f"that must be <strong>{BOT}</strong>" in page
        and application.client_id in page
        and application.secret not in page
    )
    known = {"client_id": application.client_id, "client_secret": ""}
    status, page = text_of(browser, back(site, led(browser, path, known), login="ann"))
    assert status == 400 and f"as ann, and this connection acts as {BOT}" in page
    authorized.refresh_from_db()
    assert first.access in str(authorized.credential) and not first.withdrawn
    answer = browser.get(back(site, led(browser, path, known)))
    assert answer["Location"] == f"/connections/{authorized.pk}"
    authorized.refresh_from_db()
    assert first.access not in str(authorized.credential) and Connection.objects.count() == 1
    assert first.withdrawn == bool(site.revoke_path)


@pytest.mark.parametrize("who", ["developer", "stranger"])
def test_who_may_not_connect_may_not_authorize(
    who: str, site: OAuthSite, team: Team, application: Application, authorized: Connection
) -> None:
    other = signed_in(team, who)
    asked = AuthorizationRequest.objects.get()
    entered = form(site, team, application)
    begun = other.post(f"/connections/new/{site.kind}/authorize", entered)
    assert begun.status_code in {200, 403} and "refresh" not in begun.content.decode()
    for path in (f"/connections/{authorized.pk}/authorize", f"/connections/authorizations/{asked.pk}"):
        assert other.get(path).status_code == other.post(path, entered).status_code == 404, path
    body = {"connection": authorized.pk}
    assert team.call(who, "POST", "/authorizations", body)[0] == 404
    assert team.call(who, "GET", f"/authorizations/{asked.pk}")[0] == 404
    named = {
        "forge": site.kind,
        "client_id": "a",
        "client_secret": "b",
        "base_url": site.url,
        "workspace": "team",
    }
    assert team.call(who, "POST", "/authorizations", named)[0] in {403, 404}
    assert AuthorizationRequest.objects.count() == 1


@gitlab
def test_somebody_who_lost_the_right_meanwhile_cannot_finish(
    site: OAuthSite, team: Team, application: Application, browser: Client
) -> None:
    address = led(browser, "/connections/new/gitlab/authorize", form(site, team, application))
    team.workspace.memberships.filter(user=team.people["owner"]).update(role="developer")
    assert browser.get(back(site, address)).status_code == 403
    assert not Connection.objects.exists() and site.token_requests == []


def test_a_terminal_asks_and_a_browser_authorizes(
    site: OAuthSite, team: Team, application: Application, browser: Client
) -> None:
    body = {"forge": site.kind, "base_url": site.url, "client_id": application.client_id, "name": "ours"}
    status, refused = team.call("owner", "POST", "/authorizations", body)
    assert status == 400 and "secret of the application is missing" in refused["error"]["message"]
    status, asked = team.call(
        "owner", "POST", "/authorizations", {**body, "client_secret": application.secret}
    )
    assert status == 200 and asked["state"] == "waiting" and asked["redirect_uri"] == BACK
    assert application.secret not in str(asked)
    page = asked["open"].removeprefix(settings.SITE_URL)
    assert "Authorize with" in text_of(browser, page)[1]
    browser.get(back(site, led(browser, page, {})))
    done = team.call("owner", "GET", f"/authorizations/{asked['id']}")[1]
    row = Connection.objects.get()
    assert (done["state"], done["connection"], row.name) == ("authorized", row.pk, "ours")
    assert "It is authorized" in text_of(browser, page)[1]
    assert "This authorization is over" in unescape(browser.post(page).content.decode())


@gitlab
def test_a_terminal_authorizes_a_connection_again_by_the_same_application(
    site: OAuthSite, team: Team, authorized: Connection, browser: Client
) -> None:
    status, asked = team.call("owner", "POST", "/authorizations", {"connection": authorized.pk})
    assert status == 200
    browser.get(back(site, led(browser, asked["open"].removeprefix(settings.SITE_URL), {})))
    assert len(site.grants) == 2 and site.grants[0].application is site.grants[1].application
    assert team.call("owner", "GET", f"/authorizations/{asked['id']}")[1]["state"] == "authorized"
    github = {"forge": "github", "client_id": "a", "client_secret": "b"}
    assert team.call("owner", "POST", "/authorizations", github)[0] == 400


@gitlab
def test_what_waits_for_an_authorization_says_so_and_is_done_after_the_next(
    site: OAuthSite,
    team: Team,
    authorized: Connection,
    browser: Client,
    application: Application,
    lanes: Callable[[], None],
) -> None:
    team.call("owner", "POST", f"/connections/{authorized.pk}/projects", {"repositories": [SHOP]})
    site.grants[0].withdrawn = True
    row = Connection.objects.get()
    pair = pair_of(str(row.credential))
    assert pair is not None
    row.credential = pair.model_copy(update={"obtained_at": timezone.now() - timedelta(hours=1)}).stored()
    row.save()
    lanes()
    assert "its authorization was withdrawn" in Hook.objects.get().problem
    assert "must be authorized again" in text_of(browser, f"/connections/{row.pk}")[1]
    assert "authorize again" in text_of(browser, "/connections")[1]
    (said,) = team.call("owner", "GET", "/status")[1]["connections"]
    assert "its authorization was withdrawn" in said["problem"]
    known = {"client_id": application.client_id, "client_secret": ""}
    browser.get(back(site, led(browser, f"/connections/{row.pk}/authorize", known)))
    wait_is_over()
    lanes()
    assert Hook.objects.get().problem == "" and len(site.repositories[SHOP].webhooks) == 1
    assert team.call("owner", "GET", "/status")[1]["connections"][0]["problem"] == ""


@gitlab
def test_a_request_that_nobody_allowed_expires(
    site: OAuthSite, team: Team, application: Application, browser: Client
) -> None:
    led(browser, f"/connections/new/{site.kind}/authorize", form(site, team, application))
    AuthorizationRequest.objects.update(until=timezone.now())
    row = AuthorizationRequest.objects.get()
    assert team.call("owner", "GET", f"/authorizations/{row.pk}")[1]["state"] == "expired"
    assert "Ask for it again" in text_of(browser, f"/connections/authorizations/{row.pk}")[1]


@gitlab
def test_the_application_of_sign_in_goes_to_its_own_address_only(
    site: OAuthSite, team: Team, application: Application, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"forge": "gitlab"}
    assert team.call("owner", "POST", "/authorizations", asked)[0] == 400
    configured(monkeypatch, site.url, application)
    elsewhere = {**asked, "base_url": "https://evil.test"}
    assert team.call("owner", "POST", "/authorizations", elsewhere)[0] == 400
    assert team.call("owner", "POST", "/authorizations", asked)[0] == 200
    assert AuthorizationRequest.objects.get().base_url == site.url
    assert "people sign in with" in text_of(browser, "/connections/new/gitlab")[1]
    chosen = form(site, team, application, of_sign_in="on", client_id="", base_url="https://evil.test")
    address = led(browser, "/connections/new/gitlab/authorize", chosen)
    assert address.startswith(f"{site.url}/oauth/authorize?")
    browser.get(back(site, address))
    row = Connection.objects.get()
    assert row.base_url == site.url and application.secret not in str(row.credential)
    configured(monkeypatch, "https://another.test", application)  # sign-in moved to another address
    assert team.call("owner", "POST", "/authorizations", {"connection": row.pk})[0] == 400


def configured(monkeypatch: pytest.MonkeyPatch, url: str, application: Application) -> None:
    values = {
        "gitlab_url": url,
        "gitlab_client_id": application.client_id,
        "gitlab_client_secret": SecretStr(application.secret),
    }
    monkeypatch.setattr(settings, "CONFIGURATION", settings.CONFIGURATION.model_copy(update=values))


@gitlab
def test_people_at_another_address_of_this_server_begin_where_they_come_back_to(
    site: OAuthSite, team: Team, application: Application, browser: Client
) -> None:
    there = led(browser, "/connections/new/gitlab/authorize", form(site, team, application, name="x"))
    assert there.startswith(site.url)
    other = Client(HTTP_HOST="127.0.0.1")
    other.force_login(team.people["owner"])
    there = led(other, "/connections/new/gitlab/authorize", form(site, team, application))
    assert there.startswith(f"{settings.SITE_URL}/connections/authorizations/")


def test_a_token_takes_the_place_of_an_authorization(
    site: OAuthSite, team: Team, authorized: Connection
) -> None:
    (grant,) = site.grants
    body = {"credential": site.people[BOT].token}
    status, answer = team.call("owner", "PATCH", f"/connections/{authorized.pk}", body)
    assert status == 200 and answer["authorization"] is None
    assert not Authorization.objects.exists() and grant.withdrawn == bool(site.revoke_path)
    status, answer = team.call("owner", "PATCH", f"/connections/{authorized.pk}", {"credential": '{"a": 1}'})
    assert status == 400 and "This is no token" in answer["error"]["message"]
