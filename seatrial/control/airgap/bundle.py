"""The operator's CA bundle, as a file inside the container."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.control.airgap import certificates
from seatrial.control.airgap.certificates import Read
from seatrial.control.airgap.errors import UnfitBundle
from seatrial.control.airgap.findings import Finding, fail, ok, warn
from seatrial.control.authorities import UnfitAuthorities, trusting
from seatrial.control.configuration import Configuration

VARIABLE, FOR_REQUESTS = "GITGRIT_CUSTOM_CA_FILE_PATH", "REQUESTS_CA_BUNDLE"
HELP = "docs/install/airgapped.md"
MOST_BYTES = 16 << 20  # all authorities of a system are a quarter of a megabyte


@dataclass(frozen=True)
class Bundle:
    """A bundle that can be used."""

    path: Path
    size: int
    read: Read


def size_of(path: Path) -> int | None:
    """How many bytes the file has; None if nothing that can be read is there, or if it is no file."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            file.read(1)
        return path.stat().st_size
    except (OSError, ValueError):
        return None


def opened(path: Path, size: int) -> Bundle:
    """The bundle in a file with something in it. Raises UnfitBundle."""
    if size > MOST_BYTES:
        raise UnfitBundle(
            f"{path} has {size} bytes: that is no CA bundle. Name the PEM file of your authorities in {VARIABLE}"
        )
    try:
        found = certificates.read(path.read_bytes())
        trusting(path)
    except OSError as error:
        raise UnfitBundle(f"{path} cannot be read: {error.strerror}. Check {VARIABLE}") from error
    except UnfitBundle as error:
        raise UnfitBundle(f"{path}: {error}. See {HELP}") from error
    except UnfitAuthorities as error:
        raise UnfitBundle(f"{error}. See {HELP}") from error
    return Bundle(path, size, found)


def required(configuration: Configuration) -> Bundle:
    """The bundle that an air-gapped install must have. Raises UnfitBundle."""
    path = configuration.gitgrit_custom_ca_file_path
    if path is None:
        raise UnfitBundle(
            f"{VARIABLE} is not set. Set it in .env to the path, on the host, of the PEM file with the authorities that issued your "
            f"GitLab's certificate. See {HELP}"
        )
    size = size_of(path)
    if size is None:
        raise UnfitBundle(
            f"{VARIABLE} is set ({path}) but {path} is not readable inside the container. {_why(path)}"
        )
    if size == 0:
        raise UnfitBundle(
            f"{path} is zero bytes. Check that the file on the host has your authorities in it, as PEM."
        )
    return opened(path, size)


def of_requests(configuration: Configuration) -> Iterator[Finding]:
    """REQUESTS_CA_BUNDLE, and what is in the file that requests trust."""
    path = configuration.requests_ca_bundle
    if path is None:
        yield warn(f"{FOR_REQUESTS} is not set: requests trust {_instead(configuration)}")
    else:
        size = size_of(path)
        if size is None:
            yield fail(
                f"{FOR_REQUESTS}={path} but the file is not readable from inside the container. {_why(path)}"
            )
        elif size == 0:
            yield fail(f"{path} is zero bytes — check the file on the host")
        else:
            yield ok(f"{FOR_REQUESTS}={path} ({size} bytes)")
    trusted = configuration.authorities
    if trusted is not None and (trusted != path or size_of(trusted)):
        yield from _contents(trusted)


def _contents(path: Path) -> Iterator[Finding]:
    size = size_of(path)
    if not size:
        yield fail(
            f"{VARIABLE}={path} " + ("is zero bytes" if size == 0 else f"is not readable. {_why(path)}")
        )
        return
    try:
        bundle = opened(path, size)
    except UnfitBundle as error:
        yield fail(str(error))
        return
    yield ok(f"{path} holds {bundle.read.summary}")
    yield from (warn(f"{path}: {complaint}") for complaint in bundle.read.complaints)


def _instead(configuration: Configuration) -> str:
    if configuration.authorities is not None:
        return f"the system's authorities and those in {configuration.authorities}"
    return "the container's own trust store, which usually lacks your authorities"


def _why(path: Path) -> str:
    """Which mistake it probably is."""
    try:
        if path.is_dir():
            return (
                "It is a directory: when the file is not on the host, Docker makes a directory in its place. Remove that, put the file "
                "there, and start the container again."
            )
        exists = path.exists()
    except (OSError, ValueError):
        exists = False
    if exists:
        return "It is there, but this program may not read it, or it is no file. Make it readable for all: chmod a+r"
    return "Check the path for quotes and blanks, and the volume in the compose file."
