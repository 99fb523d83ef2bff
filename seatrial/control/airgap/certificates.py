"""Reads the certificates of a CA bundle, and says which of them cannot do their work."""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning

from seatrial.control.airgap.errors import UnfitBundle
from seatrial.wire.counted import counted

SOON = timedelta(days=30)
MOST_COMPLAINTS = 5
DER = b"\x30\x82"  # how a certificate begins that is not written as PEM
CLOCK = "If that is not so, the clock of this host is off: point it at your NTP server"
ISSUER = "Put in the certificate of the authority that issued it (its whole chain, up to the root)"


@dataclass(frozen=True)
class Read:
    """A bundle: how many certificates, how many of them are of authorities that can be used now, and what is wrong with the rest."""

    certificates: int
    authorities: int
    complaints: Sequence[str]  # the first MOST_COMPLAINTS, and how many more there are
    until: datetime | None  # when the first of those authorities expires

    @property
    def summary(self) -> str:
        """One line about what can be used."""
        day = f", valid until {self.until:%Y-%m-%d}" if self.until else ""
        return f"{counted(self.certificates, 'certificate')}, {self.authorities} of authorities that can be used{day}"


def read(content: bytes, at: datetime | None = None) -> Read:
    """What is in a bundle, at this moment. Raises UnfitBundle if there is no authority in it that can be used."""
    at = at or datetime.now(UTC)
    if b"-----BEGIN CERTIFICATE-----" not in content:
        if content.startswith(DER):
            raise UnfitBundle(
                "is a certificate in binary form. Convert it: openssl x509 -inform der -in FILE -out FILE.pem"
            )
        raise UnfitBundle("holds no certificate as PEM (-----BEGIN CERTIFICATE-----)")
    try:
        certificates = _parsed(content)
    except (ValueError, x509.InvalidVersion) as error:
        raise UnfitBundle(
            f"holds a certificate that cannot be read: {error}. Copy it again, as a whole"
        ) from error
    complaints = list(_about_keys(content))
    usable: list[x509.Certificate] = []
    fatal: list[str] = []
    for certificate in certificates:
        if problem := unusable(certificate, at):
            fatal.append(f"{named(certificate)} {problem}")
        else:
            usable.append(certificate)
            complaints += [f"{named(certificate)} {one}" for one in doubts(certificate, at)]
    if not usable:
        raise UnfitBundle("; ".join(fatal[:MOST_COMPLAINTS]))
    return Read(
        len(certificates),
        len(usable),
        _first([*fatal, *complaints]),
        min(certificate.not_valid_after_utc for certificate in usable),
    )


def _parsed(content: bytes) -> list[x509.Certificate]:
    with warnings.catch_warnings():  # of serial numbers and the like, which old roots of every system have
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        certificates = x509.load_pem_x509_certificates(content)
        for certificate in certificates:
            with contextlib.suppress(ValueError, x509.DuplicateExtension):
                len(certificate.extensions)  # kept from now on
    return certificates


def _first(complaints: list[str]) -> list[str]:
    more = len(complaints) - MOST_COMPLAINTS
    return complaints if more <= 0 else [*complaints[:MOST_COMPLAINTS], f"{more} more of the kind"]


def unusable(certificate: x509.Certificate, at: datetime) -> str:
    """Why no certificate that it issued is accepted, as the end of a sentence; empty if they are."""
    if at < certificate.not_valid_before_utc:
        return f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC. {CLOCK}"
    if at > certificate.not_valid_after_utc:
        return f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}. {CLOCK}"
    try:
        return _no_authority(certificate)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        return f"has extensions that cannot be read ({error}). Make it anew"


def _no_authority(certificate: x509.Certificate) -> str:
    constraints, usage = _constraints(certificate), _usage(certificate)
    if constraints is None and certificate.version is x509.Version.v3:
        if certificate.issuer == certificate.subject:
            return (
                "lacks the extension basicConstraints: it is no authority. Make it anew with basicConstraints=critical,CA:TRUE and "
                "keyUsage=critical,keyCertSign,cRLSign"
            )
        return f"is the certificate of a server (it lacks basicConstraints), not of an authority. {ISSUER}"
    if constraints is not None and not constraints.ca:
        return f"is the certificate of a server (CA:FALSE), not of an authority. {ISSUER}"
    if usage is not None and not usage.key_cert_sign:
        return "may not issue certificates: its keyUsage lacks keyCertSign. Make it anew with keyUsage=critical,keyCertSign,cRLSign"
    return ""


def doubts(certificate: x509.Certificate, at: datetime) -> Iterator[str]:
    """What is accepted today by some clients and not by all, or not for long."""
    if certificate.not_valid_after_utc - at < SOON:
        yield f"expires on {certificate.not_valid_after_utc:%Y-%m-%d}: within {SOON.days} days. Replace it before"
    if _usage(certificate) is None:
        yield (
            "lacks the extension keyUsage, and strict clients refuse such an authority. Make it anew with "
            "keyUsage=critical,keyCertSign,cRLSign"
        )


def named(certificate: x509.Certificate) -> str:
    """Its subject, as people know it."""
    try:
        return f"certificate {certificate.subject.rfc4514_string() or '(without a name)'!r}"
    except ValueError:
        return f"certificate number {certificate.serial_number}"


def _about_keys(content: bytes) -> Iterator[str]:
    if b"PRIVATE KEY-----" in content:
        yield "a private key is in the file, too. It is not needed: take it out, because everybody who reads the bundle has it"


def _constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return None


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
