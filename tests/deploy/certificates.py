"""A certificate of the operator's own, as the folder of GALLEY_TLS_DIR holds it."""

import os
from pathlib import Path

import trustme


def own_certificate(folder: Path, authority: trustme.CA) -> None:
    """Put tls.crt and tls.key there, one after the other. Nobody but the key's owner may read it, who is not root."""
    folder.mkdir(mode=0o700, exist_ok=True)
    certificate = authority.issue_cert("localhost", "*.preview.localhost")
    (folder / "tls.crt").write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    key = folder / "tls.key.new"
    key.touch(mode=0o600)
    key.write_bytes(certificate.private_key_pem.bytes())
    os.chown(key, 1234, 1234)
    key.replace(folder / "tls.key")
