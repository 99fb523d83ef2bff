"""What goes wrong on the way is a page that says what to change, never an error of ours."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import trustme
from django.conf import settings
from pydantic import SecretStr
from werkzeug.wrappers import Response

from seatrial.control.accounts.models import User
from seatrial.control.accounts.providers.problems import WORDS, Problem
from seatrial.control.audit.models import AuditEntry
from tests.accounts.providers.conftest import HOST, Browser, Configure, Opened, led_to
from tests.accounts.providers.place import as_json

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
EVERY = ["github", "gitlab", "gitea", "google"]


@pytest.fixture(autouse=True)
def _nobody_came_in() -> Iterator[None]:
    yield
    assert not User.objects.exists()


def failures() -> list[str]:
    rows = AuditEntry.objects.filter(action="user.sign_in_failed")
    return [entry.details["problem"] for entry in rows]


@pytest.mark.parametrize("kind", EVERY)
def test_a_provider_that_is_off_says_which_setting_turns_it_on(
    opened: Opened, configure: Configure, browser: Browser, kind: str
) -> None:
    opened(kind)
    configure(**{f"auth_provider_{kind}_enabled": False})
    for answer in (
        browser.client.post(f"/accounts/{kind}/login/"),
        browser.client.get(f"/accounts/{kind}/login/callback/?code=a&state=b"),
    ):
        assert answer.status_code == 404
        assert f"AUTH_PROVIDER_{kind.upper()}_ENABLED=True" in answer.content.decode()
    assert b"Sign in with" not in browser.client.get("/accounts/login/").content.replace(
        b"with a passkey", b""
    )


def test_a_provider_that_lacks_a_setting_names_it(
    opened: Opened, configure: Configure, browser: Browser
) -> None:
    opened("gitlab")
    configure(gitlab_client_secret=SecretStr(""), auth_provider_gitlab_enabled=True)
    answer = browser.client.post("/accounts/gitlab/login/")
    assert answer.status_code == 503 and "GITLAB_CLIENT_SECRET" in answer.content.decode()


def test_a_redirect_uri_that_github_does_not_know(opened: Opened, browser: Browser) -> None:
    place = opened("github")
    place.registered = "http://seatrial.internal:3000/accounts/github/login/callback/"
    answer = browser.sign_in(place)
    page = answer.content.decode()
    assert answer.status_code == 502 and f"http://{HOST}/accounts/github/login/callback/" in page
    assert "SITE_URL" in page and failures() == ["redirect_uri"]


def test_a_redirect_uri_that_gitlab_does_not_know(opened: Opened, browser: Browser) -> None:
    place = opened("gitlab")
    place.registered = place.callback.removesuffix("/")  # exactly is what counts
    there = browser.leave(place)
    # GitLab sends nobody back: what to copy into its application is what airgap_smoketest shows, letter for letter.
    assert parse_qs(urlsplit(there).query)["redirect_uri"] == [place.callback]
    answer = httpx.get(there, verify=False, trust_env=False)
    assert (answer.status_code, answer.text) == (400, "The redirect URI included is not valid.")


@pytest.mark.parametrize("kind", EVERY)
def test_a_secret_that_is_wrong_or_expired(opened: Opened, browser: Browser, kind: str) -> None:
    place = opened(kind)
    place.client_secret = "another one"
    answer = browser.sign_in(place)
    page = answer.content.decode()
    assert answer.status_code == 502 and f"{kind.upper()}_CLIENT_SECRET" in page
    assert "the-secret" not in page and failures() == ["credentials"]


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
def test_an_authority_that_is_not_trusted(
    opened: Opened, configure: Configure, browser: Browser, tmp_path: Path, kind: str
) -> None:
    place = opened(kind)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    configure(gitgrit_custom_ca_file_path=other)
    answer = browser.sign_in(place)
    assert answer.status_code == 502 and "GITGRIT_CUSTOM_CA_FILE_PATH" in answer.content.decode()
    assert failures() == ["authority"] and place.asked == []


def test_a_provider_that_does_not_answer(opened: Opened, configure: Configure, browser: Browser) -> None:
    place = opened("gitlab")
    back = browser.come_back(browser.leave(place))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        configure(gitlab_url=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        answer = browser.client.get(back)
    assert answer.status_code == 502 and "GITLAB_URL" in answer.content.decode()
    assert failures() == ["unreachable"]


@pytest.mark.parametrize("airgapped", [True, False])
def test_a_metadata_address_is_never_asked(
    opened: Opened, configure: Configure, browser: Browser, airgapped: bool
) -> None:
    place = opened("gitlab")
    back = browser.come_back(browser.leave(place))
    configure(gitlab_url="http://169.254.169.254", airgapped=airgapped)
    assert browser.client.get(back).status_code == 502
    assert failures() == ["forbidden_address"]


STRANGE = [
    Response("<html>Sign in to the Wi-Fi</html>", content_type="text/html"),
    Response(status=302, headers={"Location": "https://elsewhere.test/"}),
    as_json([1, 2]),
    as_json("text"),
    as_json({}),
    as_json({"access_token": {"a": 1}}),
    as_json({"error": "something_new", "error_description": "<b>"}, 400),
    as_json({"message": "no"}, 500),
    Response("", 204),
    Response("x" * 100_000, 418),
]


@pytest.mark.parametrize("number", range(len(STRANGE)))
@pytest.mark.parametrize("first", [0, 1])
def test_whatever_it_answers_there_is_a_page(
    opened: Opened, configure: Configure, browser: Browser, number: int, first: int
) -> None:
    configure(auth_allowed_organisations="github:acme")
    place = opened("github", groups={"acme": "member"})
    back = browser.come_back(browser.leave(place))
    token = as_json({"access_token": "a"})
    place.faults.extend([token] * first + [STRANGE[number]])
    answer = browser.client.get(back)
    assert answer.status_code == 502 and "Back to sign-in" in answer.content.decode()
    assert browser.user is None and len(failures()) == 1


def test_organisations_that_lead_to_another_server_are_not_read(
    opened: Opened, configure: Configure, browser: Browser
) -> None:
    configure(auth_allowed_organisations="github:acme")
    place = opened("github")
    page = as_json([])
    page.headers["Link"] = '<https://elsewhere.test/steal>; rel="next"'
    user = as_json({"id": 7, "login": "octocat"})
    place.faults.extend([as_json({"access_token": "a"}), user, page])
    assert browser.sign_in(place).status_code == 502
    assert failures() == ["not_the_provider"], "and not because that server does not answer"


def test_a_sign_in_is_used_once_and_by_whoever_began_it(
    opened: Opened, browser: Browser, another: Browser
) -> None:
    place = opened("github")
    back = browser.come_back(browser.leave(place))
    assert another.client.get(back).status_code == 400
    assert place.asked == [], "the code of somebody else is not redeemed"
    assert browser.client.get(back).status_code == 403  # not on a list
    for _ in range(2):
        again = browser.client.get(back)
        assert again.status_code == 400 and "SITE_URL" in again.content.decode()


@pytest.mark.parametrize(
    "query", ["", "?code=a", "?state=a", "?state=%00&code=%00", "?error=access_denied", "?code[]=1"]
)
def test_an_address_that_somebody_made_up_signs_nobody_in(
    opened: Opened, browser: Browser, query: str
) -> None:
    opened("github")
    assert browser.client.get(f"/accounts/github/login/callback/{query}").status_code == 400
    assert failures() == [], "strangers do not fill the audit log"


def test_a_state_of_one_provider_is_none_of_another(opened: Opened, browser: Browser) -> None:
    place = opened("github")
    opened("gitlab")
    state = parse_qs(urlsplit(browser.leave(place)).query)["state"][0]
    assert browser.client.get(f"/accounts/gitlab/login/callback/?code=a&state={state}").status_code == 400


def test_whoever_says_no_there_is_back_on_the_sign_in_page(opened: Opened, browser: Browser) -> None:
    place = opened("github")
    place.says_no = True
    answer = browser.sign_in(place)
    assert answer["Location"] == "/accounts/login/"
    assert "was cancelled" in browser.client.get("/accounts/login/").content.decode()
    assert failures() == ["cancelled"]


def test_only_a_form_of_ours_begins_a_sign_in(opened: Opened, browser: Browser) -> None:
    place = opened("github")
    answer = browser.client.get("/accounts/github/login/?process=login")
    assert answer.status_code == 302 and answer["Location"] == "/accounts/login/"
    browser.client.handler.enforce_csrf_checks = True
    assert browser.client.post("/accounts/github/login/").status_code == 403
    browser.client.handler.enforce_csrf_checks = False
    leaving = led_to(
        browser.client.post("/accounts/github/login/?scope=repo&auth_params=prompt=none", {"scope": "repo"})
    )
    assert "repo" not in leaving and "prompt" not in leaving
    assert leaving.startswith(place.url)


def test_whoever_opened_another_address_begins_again_at_ours(opened: Opened, browser: Browser) -> None:
    opened("github")
    answer = browser.client.post(
        "/accounts/github/login/", {"next": "/agents"}, headers={"host": "127.0.0.1:3000"}
    )
    assert led_to(answer) == f"{settings.SITE_URL}/accounts/login/?next=%2Fagents"


def test_pressing_the_button_has_a_limit(opened: Opened, browser: Browser) -> None:
    opened("github")
    answers = [browser.client.post("/accounts/github/login/").status_code for _ in range(40)]
    assert answers[0] == 200 and answers[-1] == 429


@pytest.mark.parametrize("problem", Problem)
def test_every_problem_has_its_page(problem: Problem) -> None:
    assert WORDS[problem].title and 400 <= WORDS[problem].status < 600
