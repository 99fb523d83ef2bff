"""GITLAB_URL: a GitLab behind a certificate that is trusted, or a line with what it is instead."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.wrappers import Request, Response

from seatrial.control.airgap import asking, clocks, gitlab
from seatrial.control.airgap.asking import Answer
from seatrial.control.airgap.findings import Mark
from seatrial.control.configuration import Configuration
from tests.airgap.authorities import DAY, NOW, Made, of_server
from tests.airgap.conftest import Answering, as_gitlab, configuration, serving
from tests.examples import examples

Open = Callable[[Answering], str]
FEW = settings(max_examples=examples(12))
PLAIN = st.none() | st.integers() | st.text(max_size=5)
JSON = (
    PLAIN
    | st.lists(PLAIN, max_size=3)
    | st.dictionaries(st.sampled_from(["message", "error"]), PLAIN | st.lists(PLAIN, max_size=2))
)


def line(configuration: Configuration) -> str:
    probed = gitlab.probed(configuration)
    assert probed is not None
    return probed[0].line


@pytest.mark.parametrize(
    ("url", "lines"),
    [
        (
            "",
            [
                "FAIL  GITLAB_URL is not set in the container environment. Set it in .env to the root of your GitLab"
            ],
        ),
        (
            "http://gitlab.acme.test",
            ["FAIL  GITLAB_URL='http://gitlab.acme.test' must begin with https://, not http://"],
        ),
        ("https://gitlab.acme.test/git", ["OK    GITLAB_URL=https://gitlab.acme.test/git"]),
        ("https://[fd00::5]:8443", ["OK    GITLAB_URL=https://[fd00::5]:8443"]),
        ("https://gitlab.com.acme.test", ["OK    GITLAB_URL=https://gitlab.com.acme.test"]),
        (
            "https://gitlab.com",
            [
                "WARN  GITLAB_URL='https://gitlab.com' is gitlab.com, which is outside: an air-gapped install has a GitLab of its own",
                "OK    GITLAB_URL=https://gitlab.com",
            ],
        ),
    ],
)
def test_the_address_alone(url: str, lines: list[str]) -> None:
    assert [finding.line for finding in gitlab.address(configuration(gitlab_url=url))] == lines


def test_what_is_not_https_is_never_asked(gitlab: Open) -> None:
    from seatrial.control.airgap.gitlab import probed

    with serving(None, lambda _: pytest.fail("it was asked")) as url:
        assert probed(configuration(gitlab_url=url)) is None
    assert probed(configuration()) is None


def test_a_gitlab_is_known_by_its_401(gitlab: Open, trusted: Path) -> None:
    url = gitlab(as_gitlab)
    assert line(configuration(gitlab_url=url, requests_ca_bundle=trusted)) == (
        f"OK    {url}/api/v4/version returned 401 in GitLab's own shape"
    )


def typed(body: str, status: int = 401, kind: str = "application/json", **headers: str) -> Answering:
    return lambda _: Response(body, status, headers, content_type=kind)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (typed("<html>Sign in</html>", 200, "text/html"), "returned 200 (not 401) (Content-Type: text/html"),
        (typed("[]", 200), "returned 200 (not 401) (Content-Type: application/json)"),
        (
            typed("", 302, "text/html", Location="https://sso.acme.test/"),
            "It leads to https://sso.acme.test/",
        ),
        (typed("", 502, ""), "returned 502 (not 401)"),
        (typed("<h1>401 Unauthorized</h1>", 401, "text/html"), "returned 401 but not as GitLab does"),
        (typed('["401 Unauthorized"]'), "returned 401 but not as GitLab does"),
        (typed('"401"'), "returned 401 but not as GitLab does"),
        (typed('{"message": null}'), "returned 401 but not as GitLab does"),
        (typed('{"error": "token"}'), "returned 401 but not as GitLab does"),
        (typed('{"message": "401'), "returned 401 but not as GitLab does"),
        (typed("[" * 50_000), "returned 401 but not as GitLab does"),
        (typed("x" * 1_000_000), "returned 401 but not as GitLab does"),
    ],
)
def test_anything_else_is_said_to_be_no_gitlab(
    gitlab: Open, trusted: Path, answer: Answering, said: str
) -> None:
    url = gitlab(answer)
    found = line(configuration(gitlab_url=url, requests_ca_bundle=trusted))
    assert found.startswith(f"FAIL  {url}/api/v4/version returned ")
    assert said in found and "that is no GitLab. Correct GITLAB_URL" in found


@FEW
@given(st.integers(100, 599), st.text(max_size=20), st.binary(max_size=50))
def test_no_body_is_a_traceback(status: int, kind: str, body: bytes) -> None:
    assert gitlab.shaped_like_gitlab(Answer(status, {"Content-Type": kind}, body)) in {True, False}


@FEW
@given(JSON)
def test_nor_is_any_json(value: object) -> None:
    answer = Answer(401, {"Content-Type": "application/json"}, json.dumps(value).encode())
    assert gitlab.shaped_like_gitlab(answer) in {True, False}


class TestHandshakes:
    def failed(self, url: str, bundle: Path) -> str:
        found = line(configuration(gitlab_url=url, gitgrit_custom_ca_file_path=bundle))
        assert (
            found.startswith(f"FAIL  TLS handshake to {url} failed: ")
            and "CERTIFICATE_VERIFY_FAILED" in found
        )
        return found

    def test_of_an_authority_that_is_not_in_the_bundle(self, gitlab: Open, tmp_path: Path) -> None:
        (tmp_path / "other.pem").write_bytes(Made("Another").pem)
        assert "names the chain of authorities" in self.failed(gitlab(as_gitlab), tmp_path / "other.pem")

    def test_with_the_servers_certificate_in_place_of_the_chain(self, root: Made, tmp_path: Path) -> None:
        server = of_server(root)
        (tmp_path / "server.pem").write_bytes(server.pem)
        with serving(server, as_gitlab) as url:
            assert "(not that certificate itself)" in self.failed(url, tmp_path / "server.pem")

    def test_of_an_authority_without_basic_constraints(self, tmp_path: Path) -> None:
        homemade = Made("Homemade", ca=None, uses=None)
        (tmp_path / "homemade.pem").write_bytes(homemade.pem)
        with serving(of_server(homemade), as_gitlab) as url:
            assert "basicConstraints and keyUsage" in self.failed(url, tmp_path / "homemade.pem")

    @pytest.mark.parametrize(
        ("begins", "ends"),
        [(NOW + DAY, NOW + 9 * DAY), (NOW - 9 * DAY, NOW - DAY)],
        ids=["not yet", "expired"],
    )
    def test_out_of_time(self, root: Made, trusted: Path, begins: datetime, ends: datetime) -> None:
        with serving(of_server(root, begins=begins, ends=ends), as_gitlab) as url:
            assert "Check the clocks of this host and of your GitLab (NTP)" in self.failed(url, trusted)

    def test_with_what_speaks_no_tls(self, trusted: Path) -> None:
        with serving(None, as_gitlab) as url:
            spoken = url.replace("http:", "https:")
            found = line(configuration(gitlab_url=spoken, gitgrit_custom_ca_file_path=trusted))
        assert found.startswith(f"FAIL  TLS handshake to {spoken} failed: ")


def test_a_name_that_nobody_knows(unresolved: None, trusted: Path) -> None:
    found = line(configuration(gitlab_url="https://gitlab.acme.test", gitgrit_custom_ca_file_path=trusted))
    assert found.startswith("FAIL  could not connect to https://gitlab.acme.test: ")
    assert "Name or service not known" in found and "/etc/hosts" in found


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_silence(silent: int, trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "STEP_SECONDS", 0.3)
    found = line(configuration(gitlab_url=f"https://localhost:{silent}", requests_ca_bundle=trusted))
    assert found.startswith("FAIL  ") and f"https://localhost:{silent}" in found


def test_a_closed_port(trusted: Path) -> None:
    found = line(configuration(gitlab_url="https://localhost:1", requests_ca_bundle=trusted))
    assert found.startswith("FAIL  could not connect to https://localhost:1: [Errno 111] Connect")


def test_what_trickles_for_ever_is_not_waited_for(
    gitlab: Open, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def trickling(_: Request) -> Response:
        return Response(
            (b" " for _ in iter(lambda: ended.wait(0.05), True)), 401, content_type="application/json"
        )

    monkeypatch.setattr(asking, "WHOLE_SECONDS", 0.2)
    try:
        url = gitlab(trickling)
        found = line(configuration(gitlab_url=url, requests_ca_bundle=trusted))
    finally:
        ended.set()
    assert found == f"FAIL  request to {url} failed: no whole answer within 0.2 s"


def test_a_bundle_that_is_not_there_is_a_line(gitlab: Open, tmp_path: Path) -> None:
    url = gitlab(as_gitlab)
    found = line(configuration(gitlab_url=url, requests_ca_bundle=tmp_path / "nowhere.pem"))
    assert found.startswith(
        f"FAIL  request to {url} failed: {tmp_path}/nowhere.pem cannot be read: No such file"
    )


def test_a_metadata_address_is_never_asked(trusted: Path) -> None:
    found = line(configuration(gitlab_url="https://169.254.169.254", requests_ca_bundle=trusted))
    assert found.startswith("FAIL  request to https://169.254.169.254 failed: ") and "never asked" in found


@pytest.mark.parametrize(
    ("seconds", "mark", "said"),
    [
        (0, Mark.OK, "clock: agrees with that of GitLab"),
        (-100, Mark.WARN, "clock: ours is 100 s behind that of GitLab. Point both at the same NTP server"),
        (100, Mark.WARN, "clock: ours is 100 s ahead of that of GitLab"),
        (86_400, Mark.FAIL, "clock: ours is 86400 s ahead of that of GitLab"),
    ],
)
def test_clocks_are_compared_by_its_date(seconds: int, mark: Mark, said: str) -> None:
    finding = clocks.of_forge({"Date": f"{NOW:%a, %d %b %Y %H:%M:%S} GMT"}, NOW + timedelta(seconds=seconds))
    assert finding.mark is mark and finding.text.startswith(said)


@FEW
@given(st.text())
def test_any_date_is_a_line(text: str) -> None:
    assert clocks.of_forge({"Date": text}, datetime.now(UTC)).text.startswith("clock: ")
