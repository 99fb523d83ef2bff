"""Looking at a certificate as a visitor does: by a TLS handshake with the ingress, for one name."""

import hashlib
import socket
import ssl
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from seatrial.control.authorities import trusting
from seatrial.control.errors import ControlError

PATIENCE_SECONDS = 5.0
STOPGAP = "TRAEFIK DEFAULT CERT"
SELF_SIGNED, EXPIRED, NOT_YET = 18, 10, 9  # OpenSSL's numbers of what it found


class NotServed(ControlError):
    """No handshake came about; the message says why. Callers store it."""

    code = "not_served"


@dataclass(frozen=True)
class Seen:
    """A certificate."""

    fingerprint: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    is_stopgap: bool
    mistrust: str = ""


def look(address: tuple[str, int], host: str, authorities: Path | None) -> Seen:
    """What the ingress at `address` serves to visitors of `host`. Blocks; raises NotServed, UnfitAuthorities."""
    lenient = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    lenient.check_hostname, lenient.verify_mode = False, ssl.CERT_NONE
    seen = read(_shake(address, host, lenient))
    if seen.is_stopgap:
        return seen
    strict = trusting(authorities)
    strict.check_hostname = False  # whether it has the name is another question
    try:
        _shake(address, host, strict)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in {EXPIRED, NOT_YET}:
            return seen
        said = "it is signed by itself" if error.verify_code == SELF_SIGNED else error.verify_message
        return Seen(**{**vars(seen), "mistrust": said[:255]})
    return seen


def _shake(address: tuple[str, int], host: str, context: ssl.SSLContext) -> bytes:
    try:
        with (
            socket.create_connection(address, timeout=PATIENCE_SECONDS) as connection,
            context.wrap_socket(connection, server_hostname=host) as spoken,
        ):
            return spoken.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a name that cannot stand in a handshake
        where = f"{address[0]}:{address[1]}"
        raise NotServed(
            f"no TLS at {where} ({error.strerror if isinstance(error, OSError) else error})"
        ) from error


def read(der: bytes) -> Seen:
    """The certificate's facts. Raises NotServed for one that cannot be read."""
    try:
        with warnings.catch_warnings():  # of serial numbers and the like
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            one = x509.load_der_x509_certificate(der)
            return Seen(
                fingerprint=hashlib.sha256(der).hexdigest(),
                issuer=_called(one.issuer),
                names=names_of(one),
                not_before=one.not_valid_before_utc,
                not_after=one.not_valid_after_utc,
                is_stopgap=STOPGAP in _called(one.subject),
            )
    except (ValueError, x509.DuplicateExtension, x509.InvalidVersion) as error:
        raise NotServed(f"a certificate that cannot be read ({error})"[:255]) from error


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names that it is for. Browsers look at no others."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = (str(one) for one in names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _called(name: x509.Name) -> str:
    """As people know it: the common name, or else the organisation, or else all of it."""
    for kind in (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME):
        if found := name.get_attributes_for_oid(kind):
            return str(found[0].value)[:255]
    return name.rfc4514_string()[:255]
