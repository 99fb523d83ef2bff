"""The operator's own certificate: each mistake is one sentence with its fix, and only a pair that can be served is given."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from seatrial.control.certificates import giving, notes, own
from seatrial.control.certificates.giving import GIVEN, Giving
from seatrial.control.configuration import Configuration

SITE, PREVIEWS = "galley.test", "*.preview.test"
NAMES = [SITE, PREVIEWS]


@dataclass
class Directory:
    """As GALLEY_TLS_DIR, and the authorities that are trusted."""

    path: Path
    authority: trustme.CA
    trusted: Path

    def put(self, certificate: trustme.LeafCert, *, chain: bool = True) -> None:
        pems = certificate.cert_chain_pems if chain else certificate.cert_chain_pems[:1]
        self.write(own.CERTIFICATE, b"".join(pem.bytes() for pem in pems))
        self.write(own.KEY, certificate.private_key_pem.bytes())

    def write(self, name: str, content: bytes) -> None:
        (self.path / name).write_bytes(content)
        (self.path / name).chmod(0o600)

    def sentences(self) -> tuple[str, ...]:
        pair = own.read(self.path)
        if isinstance(pair, own.Examined):
            return pair.sentences
        return own.examine(pair, NAMES, self.trusted, datetime.now(UTC)).sentences


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(tmp_path: Path, authority: trustme.CA) -> Directory:
    path = tmp_path / "tls"
    path.mkdir()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    made = Directory(path, authority, tmp_path / "ca.pem")
    made.put(authority.issue_cert(*NAMES))
    return made


def test_a_pair_with_its_chain_is_fine(tls: Directory) -> None:
    assert tls.sentences() == ()
    tls.put(tls.authority.create_child_ca().issue_cert(*NAMES))
    assert tls.sentences() == ()


def another_key(tls: Directory) -> None:
    tls.write(own.KEY, tls.authority.issue_cert(SITE).private_key_pem.bytes())


def swapped(tls: Directory) -> None:
    certificate, key = ((tls.path / name).read_bytes() for name in (own.CERTIFICATE, own.KEY))
    tls.write(own.CERTIFICATE, key)
    tls.write(own.KEY, certificate)


def encrypted(tls: Directory) -> None:
    key = serialization.load_pem_private_key((tls.path / own.KEY).read_bytes(), None)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    tls.write(own.KEY, key.private_bytes(*form, serialization.BestAvailableEncryption(b"hunter2")))


def chain_first(tls: Directory) -> None:
    made = tls.authority.create_child_ca().issue_cert(*NAMES)
    tls.put(made)
    tls.write(own.CERTIFICATE, b"".join(pem.bytes() for pem in reversed(made.cert_chain_pems)))


def expired(tls: Directory) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    tls.put(tls.authority.issue_cert(*NAMES, not_before=past - timedelta(days=90), not_after=past))


def too_early(tls: Directory) -> None:
    tls.put(tls.authority.issue_cert(*NAMES, not_before=datetime.now(UTC) + timedelta(days=2)))


def without_chain(tls: Directory) -> None:
    tls.put(tls.authority.create_child_ca().issue_cert(*NAMES), chain=False)


def of_nobody(tls: Directory) -> None:
    tls.write(own.CERTIFICATE, tls.authority.cert_pem.bytes())
    tls.write(own.KEY, tls.authority.private_key_pem.bytes())
    tls.trusted.write_bytes(trustme.CA().cert_pem.bytes())


MISTAKES: dict[str, tuple[Callable[[Directory], object], str]] = {
    "not a pair": (another_key, "are not a pair. Put the key"),
    "swapped": (swapped, "swapped with tls.key: rename both"),
    "encrypted": (encrypted, "tls.key is encrypted, and nobody is there to type its passphrase. Decrypt it: openssl pkey"),
    "chain first": (chain_first, "is not the first in tls.crt. Put it first"),
    "no key": (lambda tls: (tls.path / own.KEY).unlink(), "tls.key is not in GALLEY_TLS_DIR. Put it there"),
    "a link outside": (
        lambda tls: ((tls.path / own.KEY).unlink(), (tls.path / own.KEY).symlink_to("../../archive/key.pem")),
        "tls.key is a link that leads out of GALLEY_TLS_DIR",
    ),
    "empty": (lambda tls: tls.write(own.CERTIFICATE, b""), "tls.crt holds no certificate as PEM"),
    "binary": (lambda tls: tls.write(own.CERTIFICATE, b"\x30\x82\x01"), "openssl x509 -inform der"),
    "cut off": (
        lambda tls: tls.write(own.CERTIFICATE, (tls.path / own.CERTIFICATE).read_bytes()[:300]),
        "cannot be read",
    ),
    "half a key": (lambda tls: tls.write(own.KEY, (tls.path / own.KEY).read_bytes()[:80]), "no private key as PEM"),
    "a folder": (lambda tls: ((tls.path / own.KEY).unlink(), (tls.path / own.KEY).mkdir()), "Is a directory"),
}  # fmt: skip
DOUBTS: dict[str, tuple[Callable[[Directory], object], str]] = {
    "wrong names": (lambda tls: tls.put(tls.authority.issue_cert(SITE)), f"is for {SITE}, and not for {PREVIEWS}"),
    "expired": (expired, "tls.crt expired on"),
    "too early": (too_early, "tls.crt is not valid before"),
    "no chain": (without_chain, "Append the certificates between it and its authority"),
    "open key": (lambda tls: (tls.path / own.KEY).chmod(0o644), "can be read by others than its owner. Run: chmod 600 tls.key"),
    "open to the group": (lambda tls: (tls.path / own.KEY).chmod(0o640), "chmod 600"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_what_cannot_be_served_is_one_sentence(tls: Directory, name: str) -> None:
    spoil, said = MISTAKES[name]
    spoil(tls)
    sentences = tls.sentences()
    assert [said in one for one in sentences].count(True) == 1, sentences
    assert all(one.endswith(".") and ". " in one for one in sentences), "a fix, too"
    assert "hunter2" not in str(sentences) and "PRIVATE" not in str(sentences)


@pytest.mark.parametrize("name", DOUBTS)
def test_what_visitors_would_mind_is_one_sentence_and_served(tls: Directory, name: str) -> None:
    spoil, said = DOUBTS[name]
    spoil(tls)
    (sentence,) = tls.sentences()
    assert said in sentence and ". " in sentence
    pair = own.read(tls.path)
    assert isinstance(pair, own.Pair)
    assert own.examine(pair, NAMES, tls.trusted, datetime.now(UTC)).problems == ()


def test_one_that_is_signed_by_itself_is_said(tls: Directory) -> None:
    of_nobody(tls)
    assert any("does not lead to an authority" in one or "signed by itself" in one for one in tls.sentences())


@pytest.fixture
def configuration(tls: Directory, tmp_path: Path) -> Configuration:
    for name in ("routes", "notes"):
        (tmp_path / name).mkdir()
    return Configuration(
        site_url=f"https://{SITE}",
        galley_preview_scheme="https",
        galley_preview_domain="preview.test",
        galley_routes_file=tmp_path / "routes/routes.yml",
        galley_ingress_notes=tmp_path / "notes",
        galley_tls_dir=tls.path,
        gitgrit_custom_ca_file_path=tls.trusted,
    )


def served(configuration: Configuration) -> str:
    document = json.loads(giving.given(configuration).read_text())
    return str(document["tls"]["stores"]["default"]["defaultCertificate"]["certFile"])


def test_a_pair_is_given_whole_and_the_last_good_one_stays(
    tls: Directory, configuration: Configuration
) -> None:
    said: list[str] = []
    one = Giving(configuration, tls.path, said.append)
    one.look()
    first = served(configuration)
    assert first == (tls.path / own.CERTIFICATE).read_text()
    assert giving.given(configuration).stat().st_mode & 0o077 == 0
    another_key(tls)  # half of the next pair is there
    one.look()
    assert served(configuration) == first
    assert notes.of_own(configuration.galley_ingress_notes) == said[-1:] and "not a pair" in said[-1]
    tls.put(tls.authority.issue_cert(*NAMES))
    one.look()
    assert served(configuration) == (tls.path / own.CERTIFICATE).read_text() != first
    assert notes.of_own(configuration.galley_ingress_notes) == []
    said.clear()
    one.look()
    assert said == [], "nothing changed"


def test_it_says_when_rights_change(tls: Directory, configuration: Configuration) -> None:
    said: list[str] = []
    one = Giving(configuration, tls.path, said.append)
    one.look()
    (tls.path / own.KEY).chmod(0o604)
    one.look()
    assert "chmod 600" in said[-1]


def test_without_one_what_was_given_is_taken_back(
    tls: Directory, configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    Giving(configuration, tls.path, len).look()
    assert (tls.path.parent / "routes" / GIVEN).exists()
    became: list[str] = []
    monkeypatch.setattr(giving.os, "execv", lambda program, arguments: became.append(program))
    monkeypatch.setattr(giving, "Giving", None)
    with pytest.raises(TypeError):  # the process would have become another one
        giving.serve(configuration.model_copy(update={"galley_tls_dir": None}))
    assert became and not (tls.path.parent / "routes" / GIVEN).exists()


def test_what_sleeps_ends_when_it_is_told() -> None:
    before, wait, after = giving.IDLE.partition("s.sigwait")
    command = [sys.executable, "-S", "-E", "-c", f"{before}print(flush=True); {wait}{after}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as asleep:
        assert asleep.stdout is not None and asleep.stdout.readline() == b"\n"
        asleep.terminate()
    assert asleep.returncode == 0
