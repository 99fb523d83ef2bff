"""Which names an install has, and whether a certificate is for one."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from seatrial.control.configuration import Configuration

ANY = "any"  # stands for the label of a preview, in a handshake


def wanted(configuration: Configuration) -> list[str]:
    """The address of the dashboard and, with a star, those of previews. No names where they have no TLS."""
    names = []
    if configuration.site_url.startswith("https://"):
        names.append(urlsplit(configuration.site_url).hostname or "")
    if configuration.galley_preview_scheme == "https":
        names.append(f"*.{configuration.galley_preview_domain}")
    return names


def asked_for(name: str) -> str:
    """A host that this name stands for."""
    return f"{ANY}{name.removeprefix('*')}" if name.startswith("*") else name


def covers(names: Iterable[str], name: str) -> bool:
    """Whether one of `names` is `name`, or stands for it: a star stands for one label."""
    host = asked_for(name).lower().rstrip(".")
    behind = host.partition(".")[2]
    return any(one in {host, f"*.{behind}"} for one in (each.lower().rstrip(".") for each in names))
