"""The operator's own certificate: whether its two files can be served, and what visitors would say to them."""

import contextlib
import os
import ssl
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.utils import CryptographyDeprecationWarning

from seatrial.control.authorities import UnfitAuthorities, trusting
from seatrial.control.certificates.handshake import EXPIRED, NOT_YET, SELF_SIGNED, names_of
from seatrial.control.certificates.naming import covers

CERTIFICATE, KEY = "tls.crt", "tls.key"  # in GALLEY_TLS_DIR
MOST_BYTES = 1 << 20
DIRECTORY = "GALLEY_TLS_DIR"
PEM = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Pair:
    """The contents of both files, and whether others may read the key."""

    certificate: bytes
    key: bytes
    key_is_open: bool = False


@dataclass(frozen=True)
class Examined:
    """Sentences, each with its fix. While there are `problems`, the pair cannot be served; `doubts` keep nobody from serving it."""

    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """All."""
        return self.problems + self.doubts


def read(directory: Path) -> Pair | Examined:
    """Both files; or why they cannot be read."""
    contents: dict[str, bytes] = {}
    problems: list[str] = []
    is_open = False
    for name in (CERTIFICATE, KEY):
        try:
            with (directory / name).open("rb") as file:
                contents[name] = file.read(MOST_BYTES)
                is_open = bool(os.fstat(file.fileno()).st_mode & 0o077)
        except OSError as error:
            problems.append(_unreadable(directory / name, error))
    if problems:
        return Examined(tuple(problems))
    return Pair(contents[CERTIFICATE], contents[KEY], key_is_open=is_open)


def _unreadable(path: Path, error: OSError) -> str:
    if path.is_symlink() and isinstance(error, FileNotFoundError):
        return f"{path.name} is a link that leads out of {DIRECTORY}. Copy the file itself there."
    if isinstance(error, FileNotFoundError):
        return f"{path.name} is not in {DIRECTORY}. Put it there, under this name."
    return (
        f"{path.name} in {DIRECTORY} cannot be read: {error.strerror}. Put a file there that root may read."
    )


def examine(pair: Pair, names: Sequence[str], authorities: Path | None, now: datetime) -> Examined:
    """What is wrong with a pair that is to be served under these names."""
    try:
        chain, problem = _chain(pair.certificate), ""
    except (ValueError, x509.InvalidVersion) as error:
        chain, problem = (
            [],
            f"{CERTIFICATE} holds a certificate that cannot be read ({error}). Copy it again, as a whole.",
        )
    problems = [one for one in (problem or _not_pem(pair.certificate), _of_key(pair, chain)) if one]
    if problems:
        return Examined(tuple(problems))
    return Examined((), tuple(_doubts(pair, chain[0], names, authorities, now)))


def _chain(content: bytes) -> list[x509.Certificate]:
    if PEM not in content:
        return []
    with warnings.catch_warnings():  # of serial numbers and the like
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_pem_x509_certificates(content)


def _not_pem(content: bytes) -> str:
    if PEM in content:
        return ""
    if b"PRIVATE KEY-----" in content:
        return f"{CERTIFICATE} holds a key and no certificate. It is swapped with {KEY}: rename both."
    return f"{CERTIFICATE} holds no certificate as PEM. Convert it: openssl x509 -inform der -in FILE -out {CERTIFICATE}."


def _of_key(pair: Pair, chain: list[x509.Certificate]) -> str:
    if b"ENCRYPTED" in pair.key:
        return f"{KEY} is encrypted, and nobody is there to type its passphrase. Decrypt it: openssl pkey -in FILE -out {KEY}."
    try:
        key = load_pem_private_key(pair.key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return f"{KEY} holds no private key as PEM. Copy it again, as a whole."
    owners = [number for number, one in enumerate(chain) if one.public_key() == key.public_key()]
    if chain and not owners:
        return f"{CERTIFICATE} and {KEY} are not a pair. Put the key there that the certificate was requested with."
    if owners and owners[0]:
        return f"the certificate that {KEY} belongs to is not the first in {CERTIFICATE}. Put it first, and its chain behind it."
    return ""


def _doubts(
    pair: Pair, one: x509.Certificate, names: Sequence[str], authorities: Path | None, now: datetime
) -> Iterator[str]:
    if missing := [name for name in names if not covers(names_of(one), name)]:
        has = ", ".join(names_of(one)[:5]) or "no name"
        yield f"{CERTIFICATE} is for {has}, and not for {' and '.join(missing)}. Have one issued for these names, too."
    if now >= one.not_valid_after_utc:
        yield f"{CERTIFICATE} expired on {one.not_valid_after_utc:%Y-%m-%d}. Replace it."
    elif now < one.not_valid_before_utc:
        yield f"{CERTIFICATE} is not valid before {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC. Wait, or correct the clock of this host."
    if said := _mistrust(pair, authorities):
        yield said
    if pair.key_is_open:
        yield f"{KEY} can be read by others than its owner. Run: chmod 600 {KEY}."


def _mistrust(pair: Pair, authorities: Path | None) -> str:
    """What a client that trusts the system's authorities and the organisation's says to it."""
    try:
        _shake(pair, trusting(authorities))
    except UnfitAuthorities as error:
        return str(error)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in {EXPIRED, NOT_YET}:
            return ""
        if error.verify_code == SELF_SIGNED:
            return f"{CERTIFICATE} is signed by itself, so browsers warn. Have one issued by an authority that they trust."
        return (
            f"{CERTIFICATE} does not lead to an authority that is trusted here ({error.verify_message}). Append the certificates between "
            "it and its authority, or name an authority of your own in GITGRIT_CUSTOM_CA_FILE_PATH."
        )
    except (ssl.SSLError, OSError) as error:
        return f"{CERTIFICATE} cannot be used for TLS ({getattr(error, 'reason', error)}). Have one issued with a key of today's strength."
    return ""


def _shake(pair: Pair, client: ssl.SSLContext) -> None:
    """A handshake without a network."""
    client.check_hostname = False
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # OpenSSL reads them from files alone
        file.write(pair.key + b"\n" + pair.certificate)
        file.flush()
        server.load_cert_chain(file.name)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)]
    while ends:
        for end in list(ends):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
                ends.remove(end)
