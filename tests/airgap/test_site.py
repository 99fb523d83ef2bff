"""SITE_URL: known to others, and answered by this server."""

import pytest
from werkzeug.wrappers import Response

from seatrial.control.airgap import site
from seatrial.control.airgap.errors import UnfitSite
from tests.airgap.conftest import Answering, configuration, serving


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost:3000", "localhost"),
        ("https://127.0.0.1", "127.0.0.1"),
        ("https://127.1.2.3", "127.1.2.3"),
        ("http://0.0.0.0:3000", "0.0.0.0"),
        ("http://[::1]:3000", "::1"),
        ("http://[::]:3000", "::"),
        ("http://seatrial.localhost", "seatrial.localhost"),
    ],
)
def test_an_address_that_only_this_machine_knows_is_refused(url: str, host: str) -> None:
    said = f"SITE_URL='{url}' (host='{host}') is not a public hostname."
    with pytest.raises(UnfitSite) as refused:
        site.required(configuration(site_url=url))
    assert str(refused.value).startswith(said)
    [finding] = site.answers(configuration(site_url=url))
    assert finding.line.startswith(f"FAIL  {said}")


@pytest.mark.parametrize("url", ["https://seatrial.acme.test", "http://10.0.0.5:3000", "https://[fd00::5]"])
def test_any_other_is_taken(url: str) -> None:
    assert site.required(configuration(site_url=url)) == url


def test_the_redirect_uri_is_shown_letter_for_letter() -> None:
    assert site.callback(configuration()).line == (
        "OK    redirect URI of the OAuth application in GitLab, exactly: https://seatrial.acme.test/accounts/gitlab/login/callback/"
    )


def typed(body: str, status: int = 200) -> Answering:
    return lambda _: Response(body, status, content_type="text/plain")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            typed('{"status": "ok"}'),
            "OK    SITE_URL={} answers from here; whether your GitLab reaches it cannot be known from here",
        ),
        (typed('{"status": "unavailable"}', 503), "OK    SITE_URL={} answers from here"),
        (
            typed("<h1>Welcome to nginx</h1>"),
            "FAIL  SITE_URL={} is answered by something else than this server: {}/healthz returned HTTP 200",
        ),
        (typed("[1]"), "FAIL  SITE_URL={} is answered by something else"),
        (typed('{"status": "ok"}', 404), "FAIL  SITE_URL={} is answered by something else"),
    ],
)
def test_who_answers_there(answer: Answering, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "reachable_elsewhere", lambda host: True)
    with serving(None, answer) as url:
        [finding] = site.answers(configuration(site_url=url))
    assert finding.line.startswith(said.replace("{}", url))


def test_nobody_answering_proves_nothing(unresolved: None) -> None:
    [finding] = site.answers(configuration())
    assert finding.line.startswith("WARN  SITE_URL=https://seatrial.acme.test does not answer from here: ")
    assert "Name or service not known" in finding.text and "cannot be known from here" in finding.text
