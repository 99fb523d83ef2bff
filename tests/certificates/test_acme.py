"""Certificates end to end: Traefik as deploy/compose.yaml starts it, an authority that really asks DNS, and our own look."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import trustme

from seatrial.control.certificates import notes
from seatrial.control.certificates.again import PAUSE, ask_again
from seatrial.control.certificates.giving import Giving
from seatrial.control.certificates.handshake import NotServed, Seen, look
from seatrial.control.certificates.models import Served, Source
from seatrial.control.certificates.sentences import Sentence, sentence
from seatrial.control.certificates.states import CertificateState
from seatrial.control.configuration import Configuration
from tests.certificates.acme import Authority, authority
from tests.certificates.ingress import DOMAIN, SITE, Ingress, laid_out, up
from tests.waiting import eventually

pytestmark = [pytest.mark.traefik, pytest.mark.slow]
PREVIEWS = f"*.{DOMAIN}"
HOSTS = {SITE: SITE, PREVIEWS: f"pr-1-shop.{DOMAIN}"}
HOURS = 0.25  # certificates of a quarter of an hour are renewed whenever Traefik looks


@pytest.fixture(scope="module")
def issuing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with authority(tmp_path_factory.mktemp("acme") / "authority", hours=HOURS) as one:
        yield one


@pytest.fixture
def ingress(tmp_path: Path) -> Ingress:
    return laid_out(tmp_path / "ingress")


def by_acme(one: Authority, **values: str) -> dict[str, str]:
    usual = {
        "GALLEY_ACME_PROVIDER": "httpreq",
        "GALLEY_ACME_SERVER": one.directory,
        "GALLEY_ACME_EMAIL": "operator@galley.test",
        "GALLEY_ACME_HOURS": "1",
        "GITGRIT_CUSTOM_CA_FILE_PATH": str(one.own),
    }
    return {**usual, **values}


def seen(ingress: Ingress, name: str, authorities: Path | None = None) -> Seen:
    host, port = ingress.address.split(":")
    return look((host, int(port)), HOSTS[name], authorities)


def issued(ingress: Ingress, before: str = "") -> Callable[[], Seen | None]:
    """Whether the wildcard is served, and another one than before."""

    def looked() -> Seen | None:
        one = seen(ingress, PREVIEWS)
        return one if PREVIEWS in one.names and one.fingerprint != before else None

    return looked


def told(ingress: Ingress, name: str, source: Source = Source.ACME) -> Sentence:
    """What the worker would store of it, as the health page says it."""
    one, now = seen(ingress, name), datetime.now(UTC)
    others = [other for other in HOSTS if other != name]
    said = notes.of_ingress(ingress.errors.parent, name, others, datetime.min.replace(tzinfo=UTC))
    return sentence(Served(name=name, source=source, looked_at=now, since=now, said=said, **vars(one)), now)


def test_a_wildcard_is_issued_kept_and_renewed(issuing: Authority, ingress: Ingress, tmp_path: Path) -> None:
    with up(ingress, issuing.environment, **by_acme(issuing)):
        first = eventually(
            issued(ingress), what="the wildcard is issued, before there is any preview", not_yet=(NotServed,)
        )
        eventually(lambda: SITE in seen(ingress, SITE).names, what="that of the dashboard, too")
        assert ingress.stored.stat().st_mode & 0o077 == 0
        kept = json.loads(ingress.stored.read_text())["le"]
        assert {one["domain"]["main"] for one in kept["Certificates"]} == set(HOSTS)
        (tmp_path / "root.pem").write_text(issuing.root())
        assert seen(ingress, PREVIEWS, tmp_path / "root.pem").mistrust == ""
        assert ingress.errors.read_text() == ""
    with up(ingress, issuing.environment, **by_acme(issuing)):
        eventually(issued(ingress, first.fingerprint), what="it is renewed", not_yet=(NotServed,))
        again = json.loads(ingress.stored.read_text())["le"]
        assert again["Account"]["Registration"] == kept["Account"]["Registration"]


@pytest.mark.walk
def test_it_is_renewed_while_it_is_served(issuing: Authority, ingress: Ingress) -> None:
    """Traefik looks once a minute whether certificates of less than a day end within 20 minutes. No handshake fails meanwhile."""
    with up(ingress, issuing.environment, **by_acme(issuing)):
        fingerprints = [eventually(issued(ingress), what="it is issued", not_yet=(NotServed,)).fingerprint]

        def renewed() -> bool:
            one = seen(ingress, PREVIEWS)
            assert PREVIEWS in one.names
            if one.fingerprint != fingerprints[-1]:
                fingerprints.append(one.fingerprint)
            time.sleep(0.2)
            return len(fingerprints) == 3

        eventually(renewed, seconds=400, what="it is renewed twice")


PROBLEMS = {
    "a wrong token": ({}, "the token may not edit this zone", "correct the token in acme.env"),
    "a provider that is none": ({"GALLEY_ACME_PROVIDER": "clodflare"}, "clodflare", "GALLEY_ACME_PROVIDER is no provider"),
    "variables that are missing": (
        {"GALLEY_ACME_PROVIDER": "cloudflare"},
        "CLOUDFLARE_DNS_API_TOKEN",
        "Put the provider's variables into acme.env",
    ),
    "an authority that is away": ({"GALLEY_ACME_SERVER": "https://localhost:1/dir"}, "refused", "GALLEY_ACME_SERVER does not answer"),
}  # fmt: skip


@pytest.mark.parametrize("problem", PROBLEMS)
def test_what_is_wrong_ends_in_a_sentence_with_its_fix(
    issuing: Authority, ingress: Ingress, problem: str
) -> None:
    values, said, fix = PROBLEMS[problem]
    issuing.zone.refuses = problem == "a wrong token"
    try:
        with up(ingress, issuing.environment, **by_acme(issuing, **values)):
            eventually(
                lambda: "ERR" in ingress.errors.read_text(), what="Traefik says it", not_yet=(OSError,)
            )
            for name in HOSTS:
                one = eventually(lambda name=name: (it := told(ingress, name)).grave and it, what=name)
                assert "is pending" in one.text and said in one.text and fix in one.fix
            assert said in ingress.log.read_text(), "docker compose logs traefik has it, too"
    finally:
        issuing.zone.refuses = False


@pytest.mark.walk
def test_what_was_refused_is_asked_for_again_without_a_restart(issuing: Authority, ingress: Ingress) -> None:
    issuing.zone.refuses = True
    try:
        with up(ingress, issuing.environment, **by_acme(issuing)) as program:
            refused = eventually(
                lambda: (it := told(ingress, PREVIEWS)).grave and it,
                what="it is refused",
                not_yet=(NotServed, OSError),
            )
            assert refused.state is CertificateState.PENDING
            issuing.zone.refuses = False
            later = datetime.now(UTC) + PAUSE
            row = Served(
                name=PREVIEWS, source=Source.ACME, since=later - PAUSE, **vars(seen(ingress, PREVIEWS))
            )
            routes = ingress.folder / "etc/traefik/dynamic/routes.json"
            assert ask_again(routes, [row], later) and not ask_again(routes, [row], later)
            eventually(issued(ingress), what="it is issued", not_yet=(NotServed,))
            assert program.poll() is None
    finally:
        issuing.zone.refuses = False


def test_your_own_is_served_and_replaced_without_a_restart(ingress: Ingress, tmp_path: Path) -> None:
    mine = trustme.CA()
    mine.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    directory = tmp_path / "own"
    directory.mkdir()

    def put(until: datetime) -> None:
        certificate = mine.issue_cert(SITE, PREVIEWS, not_after=until)
        (directory / "tls.crt").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
        (directory / "tls.key").write_bytes(certificate.private_key_pem.bytes())
        (directory / "tls.key").chmod(0o600)

    configuration = Configuration(
        site_url=f"https://{SITE}",
        galley_preview_scheme="https",
        galley_preview_domain=DOMAIN,
        galley_routes_file=ingress.folder / "etc/traefik/dynamic/routes.yml",
        galley_ingress_notes=ingress.errors.parent,
        galley_tls_dir=directory,
        gitgrit_custom_ca_file_path=tmp_path / "ca.pem",
    )
    giving = Giving(configuration, directory, len)
    ends = [datetime(year, 1, 1, tzinfo=UTC) for year in (2090, 2091)]
    with up(ingress, {}, GALLEY_TLS_DIR=str(directory)) as program:
        assert eventually(
            lambda: told(ingress, SITE, Source.OWN), what="Traefik answers", not_yet=(NotServed,)
        ).grave
        for end in ends:
            put(end)
            giving.look()
            for name in HOSTS:
                one = eventually(
                    lambda name=name, end=end: (
                        (it := seen(ingress, name, tmp_path / "ca.pem")).not_after == end and it
                    )
                )
                assert one.mistrust == ""
        assert program.poll() is None
        assert ingress.errors.read_text() == ""


def test_the_ingress_redirects_refuses_old_tls_and_gives_unknown_names_nothing(ingress: Ingress) -> None:
    with up(ingress, {}):
        eventually(lambda: seen(ingress, SITE), what="Traefik answers", not_yet=(NotServed,))
        plain, secure = (ingress.ports[name] for name in ("GALLEY_HTTP_PORT", "GALLEY_HTTPS_PORT"))
        with httpx.Client(verify=False, trust_env=False) as client:
            answer = client.get(f"http://127.0.0.1:{plain}/a?b=c", headers={"Host": SITE})
            assert answer.is_redirect
            assert answer.headers["Location"] == f"https://{SITE}:{secure}/a?b=c"
            for host in ("unknown.test", f"pr-9-none.{DOMAIN}"):
                options = {"headers": {"Host": host}, "extensions": {"sni_hostname": host}}
                assert client.get(f"https://127.0.0.1:{secure}/", **options).status_code == 404
        for version, taken in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)):
            assert accepts(secure, version) is taken, version


def accepts(port: int, version: ssl.TLSVersion) -> bool:
    import socket
    import warnings

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is Traefik who refuses
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    try:
        with (
            socket.create_connection(("127.0.0.1", port)) as one,
            context.wrap_socket(one, server_hostname=SITE),
        ):
            return True
    except ssl.SSLError as error:
        assert "PROTOCOL_VERSION" in str(error) or "ALERT" in str(error), "refused by the server"
        return False
