"""What a certificate's facts mean at a moment, and what a person is told of it. Nothing runs here."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seatrial.control.certificates import notes
from seatrial.control.certificates.again import ASKED, PAUSE, ask_again
from seatrial.control.certificates.models import Served, Source
from seatrial.control.certificates.naming import covers
from seatrial.control.certificates.sentences import sentence
from seatrial.control.certificates.states import CertificateState, state_of

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
NAME = "*.preview.test"


def served(**facts: Any) -> Served:
    """Of an authority, in the middle of its 90 days."""
    usual = {
        "name": NAME,
        "source": Source.ACME,
        "looked_at": NOW,
        "since": NOW - timedelta(days=30),
        "fingerprint": "f",
        "issuer": "Harbour CA",
        "names": [NAME],
        "not_before": NOW - timedelta(days=30),
        "not_after": NOW + timedelta(days=60),
    }
    return Served(**{**usual, **facts})


def lasting(days: float, left: float) -> dict[str, datetime]:
    return {"not_before": NOW - timedelta(days=days - left), "not_after": NOW + timedelta(days=left)}


STATES = {
    CertificateState.VALID: {},
    CertificateState.UNSEEN: {"unanswered": "no TLS at 127.0.0.1:443 (Connection refused)"},
    CertificateState.PENDING: {"is_stopgap": True, "names": [], "since": NOW - timedelta(minutes=1)},
    CertificateState.SELF_SIGNED: {"is_stopgap": True, "source": Source.NONE},
    CertificateState.WRONG_NAMES: {"names": ["other.test"]},
    CertificateState.EXPIRED: lasting(90, -1),
    CertificateState.NOT_YET_VALID: lasting(90, 91),
    CertificateState.EXPIRING: lasting(90, 20),
    CertificateState.UNTRUSTED: {"mistrust": "unable to get local issuer certificate"},
}


def test_every_state_has_facts_here_and_a_row_in_the_page() -> None:
    assert set(STATES) == set(CertificateState)
    page = (Path(__file__).parents[2] / "docs/install/compose.md").read_text()
    assert {one for one in CertificateState if f"| `{one}` |" in page} == set(CertificateState)


@pytest.mark.parametrize("state", CertificateState)
def test_each_state_is_a_sentence_with_its_fix(state: CertificateState) -> None:
    said = sentence(served(**STATES[state]), NOW)
    assert said.state is state
    assert NAME in said.text and not said.text.endswith(".")
    assert said.well is (state is CertificateState.VALID)
    assert bool(said.fix) is not said.well


@pytest.mark.parametrize("state", [one for one in CertificateState if one is not CertificateState.PENDING])
def test_what_is_wrong_with_your_own_files_is_said_in_every_state(state: CertificateState) -> None:
    facts = {**STATES[state], "source": Source.OWN}
    said = sentence(served(**facts, said="tls.key can be read by others. Run: chmod 600 tls.key."), NOW)
    assert said.text.endswith("Run: chmod 600 tls.key") and said.fix and not said.well


@pytest.mark.parametrize(
    ("days", "left", "warned"),
    [(90, 22, False), (90, 21, True), (365, 22, False), (6, 2, False), (6, 1, True), (1 / 24, 1 / 90, False)],
)
def test_it_is_said_three_weeks_before_or_in_the_last_quarter(days: float, left: float, warned: bool) -> None:
    assert state_of(served(**lasting(days, left)), NOW) is (
        CertificateState.EXPIRING if warned else CertificateState.VALID
    )


@pytest.mark.parametrize(
    ("left", "said"),
    [(60, "for 60 days"), (1, "in 24 hours"), (1 / 24, "in 60 minutes"), (1 / 1440, "in 1 minute")],
)
def test_how_long_is_said_in_a_unit_that_fits(left: float, said: str) -> None:
    assert sentence(served(**lasting(90, left)), NOW).text.endswith(said)


@pytest.mark.parametrize(
    ("names", "does"),
    [
        (["*.preview.test"], True),
        (["*.PREVIEW.test."], True),
        (["preview.test"], False),
        (["*.test"], False),
        (["*.*.test"], False),
        ([], False),
    ],
)
def test_a_star_stands_for_one_label(names: list[str], does: bool) -> None:
    assert covers(names, NAME) is does


@pytest.mark.parametrize(("names", "does"), [(["a.test"], True), (["*.test"], True), (["b.a.test"], False)])
def test_a_host_is_covered_by_its_name_or_its_star(names: list[str], does: bool) -> None:
    assert covers(names, "a.test") is does


def test_pending_is_no_fault_for_the_time_that_dns_takes() -> None:
    fresh, old = (served(is_stopgap=True, since=NOW - timedelta(minutes=n)) for n in (2, 6))
    assert not sentence(fresh, NOW).grave and sentence(old, NOW).grave
    for part in (
        "60 to 120 seconds",
        "docker compose logs traefik",
        "CLOUDFLARE_DNS_API_TOKEN",
        "Zone:Read and DNS:Edit",
    ):
        assert part in sentence(old, NOW).fix


WORDS = (
    'Unable to obtain ACME certificate for domains error="{said}" acmeCA=https://a.test domains=["{name}"]'
)


def noted(folder: Path, *lines: tuple[str, str, str]) -> Path:
    text = [f"{at} ERR {WORDS.format(said=said, name=name)}\n" for at, said, name in lines]
    (folder / notes.ERRORS).write_text("".join(text))
    return folder


def test_the_newest_error_about_a_name_is_its_reason(tmp_path: Path) -> None:
    since = NOW - timedelta(hours=1)
    folder = noted(
        tmp_path,
        ("2026-11-29T10:00:00Z", "an old one", NAME),
        ("2026-11-29T11:30:00Z", 'refused: \\"no\\"', NAME),
        ("2026-11-29T11:40:00Z", "of the other", "galley.test"),
    )
    assert notes.of_ingress(folder, NAME, ["galley.test"], since) == 'refused: "no"'
    assert notes.of_ingress(folder, "galley.test", [NAME], since) == "of the other"
    assert notes.of_ingress(folder, NAME, ["galley.test"], NOW) == ""
    assert (
        notes.of_ingress(tmp_path / "none", NAME, [], since) == notes.of_ingress(None, NAME, [], since) == ""
    )


def test_what_was_said_shows_no_password_and_ends(tmp_path: Path) -> None:
    folder = noted(tmp_path, ("2026-11-29T11:30:00Z", f"https://me:hunter2@dns.test/ {'x' * 5000}", NAME))
    said = notes.of_ingress(folder, NAME, [], NOW - timedelta(hours=1))
    assert (
        "hunter2" not in said and said.startswith("https://dns.test/") and len(said) <= notes.MOST_CHARACTERS
    )


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        (
            "cannot get ACME client unrecognized DNS provider: clodflare",
            "GALLEY_ACME_PROVIDER is no provider",
        ),
        ("cloudflare: some credentials information are missing: CLOUDFLARE_DNS_API_TOKEN", "into acme.env"),
        (
            "cannot get ACME client get directory at 'https://a.test': connection refused",
            "GALLEY_ACME_SERVER does not",
        ),
        (
            "get directory at 'https://a.test': x509: certificate signed by unknown authority",
            "GITGRIT_CUSTOM_CA_FILE_PATH",
        ),
        ("dns01: error presenting token (a.test): cloudflare: 403", "correct the token in acme.env"),
        ("acme: error: 429 :: urn:ietf:params:acme:error:rateLimited", "be asked less often"),
        ("something nobody has seen before", "60 to 120 seconds"),
    ],
)
def test_what_traefik_says_comes_with_its_fix(said: str, fix: str) -> None:
    told = sentence(served(is_stopgap=True, said=said), NOW)
    assert said in told.text and fix in told.fix and told.grave
    late = sentence(served(said=said, **lasting(90, 5)), NOW)
    assert said in late.fix and fix in late.fix


def test_the_authority_is_asked_again_hourly_while_nothing_is_issued(tmp_path: Path) -> None:
    routes, asked = tmp_path / "routes.json", tmp_path / ASKED
    waiting = served(is_stopgap=True, names=[], since=NOW - PAUSE)
    of_nobody = served(is_stopgap=True, names=[], source=Source.NONE, since=NOW - PAUSE)
    recent = served(is_stopgap=True, names=[], since=NOW - PAUSE / 2)
    assert not ask_again(routes, [served(), of_nobody, recent], NOW) and not asked.exists()
    assert ask_again(routes, [recent, waiting], NOW)
    first = asked.read_text()
    for later, again in ((PAUSE / 2, False), (PAUSE, True)):
        os.utime(asked, (NOW.timestamp(), NOW.timestamp()))
        assert ask_again(routes, [waiting], NOW + later) is again
    assert asked.read_text() != first, "Traefik looks only at what differs"
