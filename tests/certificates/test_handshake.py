"""Looking at a certificate by a real handshake."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from seatrial.control.certificates.handshake import NotServed, look


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[tuple[str, int]]:
    """Handshakes, one after the other, until the end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    spoken, _ = listening.accept()
                except OSError:
                    return
                with spoken:
                    spoken.settimeout(20)
                    try:
                        context.wrap_socket(spoken, server_side=True).close()
                    except OSError:
                        continue  # a client that does not trust us

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Harbour CA")


def test_who_issued_it_for_which_names_until_when(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=5)
    certificate = authority.issue_cert("*.preview.test", "10.0.0.7", not_after=until)
    with serving(of(certificate)) as address:
        seen = look(address, "any.preview.test", tmp_path / "ca.pem")
        assert (seen.names, seen.not_after, seen.mistrust) == (("*.preview.test", "10.0.0.7"), until, "")
        assert seen.issuer == "Harbour CA" and len(seen.fingerprint) == 64 and not seen.is_stopgap
        assert "issuer" in look(address, "any.preview.test", None).mistrust


def test_a_missing_link_to_the_authority_is_mistrusted(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = authority.create_child_ca().issue_cert("a.test")
    with serving(of(certificate)) as address:
        assert look(address, "a.test", tmp_path / "ca.pem").mistrust == ""
    alone = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pem = tmp_path / "alone.pem"
    pem.write_bytes(certificate.private_key_pem.bytes() + certificate.cert_chain_pems[0].bytes())
    alone.load_cert_chain(pem)
    with serving(alone) as address:
        assert "local issuer" in look(address, "a.test", tmp_path / "ca.pem").mistrust


def test_an_expired_one_is_seen_and_not_called_mistrusted(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    past = datetime.now(UTC) - timedelta(days=2)
    certificate = authority.issue_cert("a.test", not_before=past - timedelta(days=90), not_after=past)
    with serving(of(certificate)) as address:
        seen = look(address, "a.test", tmp_path / "ca.pem")
    assert seen.not_after < datetime.now(UTC) and seen.mistrust == ""


def test_where_nobody_answers_it_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
    with pytest.raises(NotServed, match=rf"no TLS at 127.0.0.1:{address[1]} \(Connection refused\)"):
        look(address, "a.test", None)


def test_what_speaks_no_tls_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            spoken, _ = listening.accept()
            with spoken:
                spoken.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                spoken.recv(4096)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(NotServed, match="no TLS at"):
            look(listening.getsockname(), "a.test", None)
        thread.join()
