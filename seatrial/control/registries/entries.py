"""What may be a registry login."""

import ipaddress
import re
from dataclasses import dataclass, field

from seatrial.control.projects.models import Tier
from seatrial.control.registries.errors import BadRegistryLogin
from seatrial.wire.visible import visible

HUB = "docker.io"
HUB_NAMES = {
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "hub.docker.com",
    "registry.hub.docker.com",
}
HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*", re.ASCII)
PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
MOST_LOGINS = 50  # of a workspace, or of a project
MOST_USERNAME = 255
MOST_PASSWORD = 10_000  # tokens of clouds have thousands of characters
LIKE = "Write its host, as images name it: registry.example.com or registry.example.com:5000, and docker.io for Docker Hub."


@dataclass(frozen=True)
class Entry:
    """One login that somebody wants. The password shows in no repr."""

    registry: str
    username: str
    password: str = field(repr=False)
    tier: str = Tier.TRUSTED


def checked(entry: Entry) -> Entry:
    """`entry`, with its registry as images name it. Raises BadRegistryLogin, whose message never quotes a password."""
    registry = registry_named(entry.registry)
    if entry.tier not in Tier.values:
        known = ", ".join(Tier.values)
        raise BadRegistryLogin("tier", f"There is no tier {visible(entry.tier)[:50]!r}; there is: {known}.")
    _check("username", "user name", entry.username, MOST_USERNAME)
    if ":" in entry.username:
        raise BadRegistryLogin("username", "A user name holds no colon. Write the password in its own field.")
    _check("password", "password or token", entry.password, MOST_PASSWORD)
    return Entry(registry, entry.username, entry.password, entry.tier)


def registry_named(text: str) -> str:
    """The host, with its port, that image names begin with. Raises BadRegistryLogin with the fix."""
    told = text.strip()
    shown = visible(told)[:100]
    if "://" in told:
        raise BadRegistryLogin("registry", f"{shown!r} is an address. {LIKE}")
    host, slash, path = told.lower().partition("/")
    if slash and path.strip("/") and host not in HUB_NAMES:
        raise BadRegistryLogin(
            "registry",
            f"{shown!r} leads to an image or a folder, and a login is for a whole registry. {LIKE}",
        )
    if host in HUB_NAMES:
        return HUB
    name, colon, port = host.rpartition(":") if ":" in host else (host, "", "")
    number = not colon or (PORT.fullmatch(port) is not None and int(port) < 65_536)
    if not HOST.fullmatch(name) or len(name) > 253 or not number or _is_no_address(name):
        raise BadRegistryLogin("registry", f"{shown!r} is not a registry. {LIKE}")
    if not colon and "." not in name and name != "localhost":
        raise BadRegistryLogin(
            "registry",
            f"{shown!r} has neither a dot nor a port: images that begin so are Docker Hub's. {LIKE}",
        )
    return host


def _is_no_address(name: str) -> bool:
    """Whether it looks like an IP address, and is none."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.rpartition(".")[2].isdigit()
    return False


def _check(place: str, what: str, text: str, most: int) -> None:
    if not text:
        raise BadRegistryLogin(
            place, f"The {what} is empty. Write one; a registry without logins needs none here."
        )
    if len(text) > most:
        raise BadRegistryLogin(place, f"The {what} is too long: it has at most {most:,} characters.")
    if not text.isprintable() or text != text.strip():
        raise BadRegistryLogin(
            place,
            f"The {what} holds a line break, another control character, or spaces around it. Remove them.",
        )
