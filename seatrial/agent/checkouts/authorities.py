"""Trust in an organisation's own authorities beside the system's: for git, and for sandboxes that have a network."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from seatrial import files
from seatrial.agent.vocabulary.errors import CheckoutError

SYSTEMS = Path("/etc/ssl/certs/ca-certificates.crt")  # Debian's; elsewhere OpenSSL says where


def trusted(authorities: Path | None, folder: Path) -> Mapping[str, str]:
    """The environment in which git trusts them, with one bundle of all in `folder`. Raises CheckoutError.

    Git knows one bundle only, and Debian's git does not know SSL_CERT_FILE.
    """
    if authorities is None:
        return {}
    path = folder / "authorities.pem"
    files.replace(path, bundle(authorities).encode())
    return {"GIT_SSL_CAINFO": str(path)}


def bundle(authorities: Path) -> str:
    """The system's and the organisation's own authorities together, as PEM. Raises CheckoutError."""
    try:
        own = authorities.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CheckoutError(
            f"GITGRIT_CUSTOM_CA_FILE_PATH: {authorities} cannot be read: {error}. Correct or unset it"
        ) from error
    return f"{_systems()}\n{own}"


def _systems() -> str:
    paths = ssl.get_default_verify_paths()
    for path in (SYSTEMS, Path(paths.cafile or paths.openssl_cafile)):
        if path.is_file():
            return path.read_text()
    return ""
