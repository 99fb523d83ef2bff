"""The callback host leads a browser back to the preview that began, of its own project, and to nothing else."""

import base64
import json
import time
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client

from seatrial.control.previews.callbacks import began
from seatrial.control.previews.models import Environment
from seatrial.control.projects import callbacks
from seatrial.control.projects.changing import change_project
from seatrial.control.projects.models import PullRequest
from tests.entrance.visits import ALICE, DOMAIN, knock, preview
from tests.entrance.walking import PAGE
from tests.previews.scenario import Scenario

pytestmark = pytest.mark.django_db


def with_callbacks(name: str = "shop", **decision: Any) -> Scenario:
    scenario = preview(name, **decision)
    change_project(scenario.project, by=ALICE, callbacks=True)
    scenario.project.refresh_from_db()
    return scenario


def comes_back(scenario: Scenario, uri: str = "/auth/done?code=1", *, cookie: str = "", **posted: str) -> Any:
    """What somebody is answered who comes from the other site to the callback host."""
    host = f"{callbacks.label(scenario.project)}.{DOMAIN}"
    headers = {"X-Forwarded-Host": host, **({"Cookie": cookie} if cookie else {})}
    client, address = Client(enforce_csrf_checks=True), f"/preview-callback{uri}"
    return client.post(address, posted, headers=headers) if posted else client.get(address, headers=headers)


def jar(*environments: Environment, before: str = "") -> str:
    """The Cookie header of a browser that opened pages of these, one after the other."""
    for environment in environments:
        answer = knock(environment, "/login", Cookie=before, **PAGE)
        assert answer.status_code == 200
        before = answer.get("Set-Cookie", before).partition(";")[0]
    return before


def second(scenario: Scenario, number: int = 2, *, fork: bool = False) -> Environment:
    """Another preview of the same project, which is live."""
    first = scenario.environment
    pull = PullRequest.objects.get(pk=first.pull_request_id)
    pull.pk, pull.number, pull.title, pull.from_fork = f"{number:026d}", number, "Another one", fork
    pull._state.adding = True
    pull.save()
    live = first.live
    assert live is not None
    name = f"pr-{number}-{scenario.project.slug}"
    other = Environment.objects.create(
        project=scenario.project, pull_request=pull, name=name, state=first.state, services=first.services
    )
    live.pk, live.environment = f"{number + 1:026d}", other
    live._state.adding = True
    live.save()
    Environment.objects.filter(pk=other.pk).update(live=live)
    from seatrial.control.previews import labels

    other.refresh_from_db()
    labels.claim(other, [name, f"api-{name}"])
    return other


def test_the_preview_that_a_browser_opened_gets_the_answer_with_all_that_came() -> None:
    scenario = with_callbacks()
    cookie = jar(scenario.environment)
    answer = comes_back(scenario, "/auth/a%20b/done?code=1&state=x%2Fy", cookie=f"theirs=1; {cookie}")
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"http://pr-1-shop.{DOMAIN}/auth/a%20b/done?code=1&state=x%2Fy",
    )
    assert answer["Referrer-Policy"] == "no-referrer" and "no-store" in answer["Cache-Control"]
    posted = comes_back(scenario, "/saml", cookie=cookie, SAMLResponse="signed")
    assert (posted.status_code, posted["Location"]) == (307, f"http://pr-1-shop.{DOMAIN}/saml")
    elsewhere = comes_back(scenario, "//evil.example/x", cookie=cookie)
    assert elsewhere["Location"].startswith(f"http://pr-1-shop.{DOMAIN}/")


def test_the_host_where_it_began_counts_and_pages_alone() -> None:
    scenario = with_callbacks()
    environment = scenario.environment
    api = knock(environment, label="api-pr-1-shop", **PAGE)["Set-Cookie"].partition(";")[0]
    assert comes_back(scenario, cookie=api)["Location"].startswith(f"http://api-pr-1-shop.{DOMAIN}/auth/done")
    assert "Set-Cookie" not in knock(environment, "/data.json", Accept="application/json")
    assert "Set-Cookie" not in knock(environment, Cookie=api, label="api-pr-1-shop", **PAGE), "it knows"
    assert "Set-Cookie" not in knock(preview("other").environment, **PAGE), "that one has no callback host"


def test_the_preview_does_not_see_what_the_browser_remembers() -> None:
    scenario = with_callbacks()
    cookie = jar(scenario.environment)
    answer = knock(scenario.environment, Cookie=f"a=1; {cookie}; b=2")
    assert answer["Cookie"] == "a=1; b=2"
    said = knock(scenario.environment, **PAGE)["Set-Cookie"]
    assert f"Domain={DOMAIN}" in said and "HttpOnly" in said and "SameSite=Lax" in said


def test_with_https_the_answer_may_be_posted_from_the_other_site(monkeypatch: pytest.MonkeyPatch) -> None:
    secure = settings.CONFIGURATION.model_copy(update={"galley_preview_scheme": "https"})
    monkeypatch.setattr(settings, "CONFIGURATION", secure)
    said = knock(with_callbacks().environment, **PAGE)["Set-Cookie"]
    assert said.startswith("__Secure-galley-began=") and "SameSite=None" in said and "Secure" in said


@pytest.mark.parametrize(
    "wrap",
    [
        lambda host: f"nonce~{host}",
        lambda host: quote(f"https://{host.upper()}/back", safe=""),
        lambda host: (
            base64.urlsafe_b64encode(json.dumps({"from": f"https://{host}/"}).encode()).decode().rstrip("=")
        ),
        lambda host: "e30." + base64.b64encode(json.dumps({"o": host, "é": 1}).encode()).decode() + ".c2ln",
    ],
)
def test_a_state_that_names_the_host_decides_without_a_cookie(wrap: Any) -> None:
    scenario = with_callbacks()
    other = second(scenario)
    state = wrap(f"{other.name}.{DOMAIN}")
    got = comes_back(scenario, f"/done?state={quote(state, safe='')}", cookie=jar(scenario.environment))
    assert got["Location"].startswith(f"http://pr-2-shop.{DOMAIN}/done?state=")
    posted = comes_back(scenario, "/done", state=state)
    assert posted["Location"] == f"http://pr-2-shop.{DOMAIN}/done"


def test_if_several_may_have_begun_a_page_asks() -> None:
    scenario = with_callbacks()
    cookie = jar(scenario.environment, second(scenario))
    page = comes_back(scenario, "/done?code=%22%3E1", cookie=cookie)
    assert page.status_code == 200
    text = page.content.decode()
    assert text.index(f'href="http://pr-2-shop.{DOMAIN}/done?code=%22%3E1"') < text.index("pr-1-shop")
    posted = comes_back(scenario, "/done", cookie=cookie, SAMLResponse='"><script>').content.decode()
    assert f'action="http://pr-1-shop.{DOMAIN}/done"' in posted
    assert 'name="SAMLResponse" value="&quot;&gt;&lt;script&gt;"' in posted


@pytest.mark.parametrize("by", ["cookie", "state"])
def test_what_comes_from_a_fork_gets_no_answer(by: str) -> None:
    scenario = with_callbacks()
    fork = second(scenario, fork=True)
    asked = f"/done?state={fork.name}.{DOMAIN}" if by == "state" else "/done"
    cookie = jar(fork) if by == "cookie" else jar(scenario.environment)
    answer = comes_back(scenario, asked, cookie=cookie)
    assert answer.status_code == 404 and "Location" not in answer
    assert "No preview began this sign-in" in answer.content.decode()


def test_nobody_else_gets_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario, other = with_callbacks(), with_callbacks("other")
    theirs = jar(other.environment)
    assert comes_back(scenario, cookie=theirs).status_code == 404, "of another project"
    assert (
        comes_back(
            scenario, f"/x?state={other.environment.name}.{DOMAIN}", cookie=jar(scenario.environment)
        ).status_code
        == 404
    )
    forged = theirs.replace(theirs[20:24], "AAAA")
    for cookie in ("", forged, f"{began.cookie_name()}=x", f"{forged}; {began.cookie_name()}=%00"):
        assert comes_back(scenario, cookie=cookie).status_code == 404
    mine = jar(scenario.environment)
    assert comes_back(scenario, cookie=f"{forged}; {mine}").status_code == 302, (
        "one forged beside it does no harm"
    )
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + began.SECONDS + 1)
        assert comes_back(scenario, cookie=mine).status_code == 404
    Environment.objects.filter(pk=scenario.environment.pk).update(state="terminated")
    assert comes_back(scenario, cookie=mine).status_code == 404


@pytest.mark.parametrize(
    "state", ["x" * 20_000, "%", "====", "\x00", "pr-1-shop.preview.localhost.evil.example", "é" * 900]
)
def test_any_state_is_answered(state: str) -> None:
    scenario = with_callbacks()
    assert comes_back(scenario, f"/done?state={quote(state)}").status_code == 404


def test_without_a_callback_host_there_is_no_preview_at_its_name() -> None:
    scenario = with_callbacks()
    cookie = jar(scenario.environment)
    change_project(scenario.project, by=ALICE, callbacks=False)
    answer = comes_back(scenario, cookie=cookie)
    assert answer.status_code == 404 and "There is no preview here" in answer.content.decode()
    for host in (
        "callback-.preview.localhost",
        "callback-shop-0123456789abcdef.preview.localhost",
        "evil.example",
        "",
        "x" * 999,
    ):
        assert Client().get("/preview-callback/", headers={"X-Forwarded-Host": host}).status_code == 404
