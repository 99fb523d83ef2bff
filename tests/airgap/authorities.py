"""Certificates of every kind, made in a moment."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
ISSUES = {"key_cert_sign": True, "crl_sign": True}
USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign",
    "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def usage(**uses: bool) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: uses.get(name, False) for name in USES})


class Made:
    """A certificate with its key. Without `issuer` it has issued itself; `ca` and `uses` None: the extension is missing."""

    def __init__(
        self,
        name: str = "Acme Root",
        *,
        issuer: "Made | None" = None,
        ca: bool | None = True,
        uses: x509.KeyUsage | None = usage(**ISSUES),  # noqa: B008
        begins: datetime = NOW - DAY,
        ends: datetime = NOW + 365 * DAY,
        hosts: tuple[str, ...] = (),
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        built = x509.CertificateBuilder(
            signer.name, self.name, self.key.public_key(), x509.random_serial_number(), begins, ends
        )
        if ca is not None:
            built = built.add_extension(x509.BasicConstraints(ca, None), critical=True)
        if uses is not None:
            built = built.add_extension(uses, critical=True)
        if hosts:
            named = [x509.DNSName(host) for host in hosts]
            built = built.add_extension(x509.SubjectAlternativeName(named), critical=False)
        self.certificate = built.sign(signer.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def of_server(issuer: Made, **more: object) -> Made:
    return Made(
        "gitlab.acme.test",
        issuer=issuer,
        ca=False,
        uses=usage(digital_signature=True),
        hosts=("localhost",),
        **more,
    )  # type: ignore[arg-type]
