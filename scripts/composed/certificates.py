"""An authority of the demo's own, and certificates of it for the ingress and the code host."""

import os
from pathlib import Path

import trustme

from scripts.composed.place import Place

NAMES = ("localhost", "*.preview.localhost", "127.0.0.1")


def make(place: Place) -> None:
    """What is missing. The authority stays: somebody may have told a browser to trust it."""
    place.certificates.mkdir(mode=0o755, exist_ok=True)
    if (place.certificates / "tls.key").exists():
        return
    authority = trustme.CA(organization_name="Seatrial's demo on this machine")
    issued = authority.issue_cert(*NAMES)
    _secret(place.root / "authority.key", authority.private_key_pem.bytes(), 0o600)
    chain = b"".join(one.bytes() for one in issued.cert_chain_pems)
    (place.certificates / "tls.crt").write_bytes(chain)
    _secret(place.certificates / "tls.key", issued.private_key_pem.bytes(), 0o600)
    place.authority.write_bytes(authority.cert_pem.bytes())


def for_host(place: Place, host: str) -> Path:
    """A file with certificate and key of the code host at `host`."""
    authority = trustme.CA.from_pem(place.authority.read_bytes(), (place.root / "authority.key").read_bytes())
    file = place.forge / "host.pem"
    issued = authority.issue_cert(host)
    _secret(file, issued.private_key_and_cert_chain_pem.bytes(), 0o600)
    return file


def _secret(path: Path, content: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as stream:
        stream.write(content)
