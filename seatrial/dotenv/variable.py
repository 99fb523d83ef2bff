"""One variable of a `.env`."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pydantic_settings import BaseSettings


class Install(StrEnum):
    """The two installs that have a `.env`."""

    ONE_HOST = "one-host"
    AIR_GAPPED = "air-gapped"


class Group(StrEnum):
    """The headings of the file."""

    RELEASE = "Release"
    ADDRESSES = "Addresses and ports"
    KEYS = "Keys: keep a copy apart from the database. To rotate one, put the former into its FALLBACKS"
    DATABASE = "Database"
    FORGE = "Sign-in"
    NETWORK = "Network and trust"
    CERTIFICATES = "Certificates: by ACME, your own, or self-signed until there is one"
    AGENT = "The agent on this host"
    LIMITS = "Limits and logs"
    IMAGES = "Images"
    FLEET = "Agents on other hosts"


BOTH = frozenset(Install)
ONE_HOST = frozenset({Install.ONE_HOST})
AIR_GAPPED = frozenset({Install.AIR_GAPPED})


@dataclass(frozen=True)
class Variable:
    """A line of the table. `setting` is what a program of ours calls it, where it becomes one of its settings."""

    name: str
    group: Group
    meaning: str
    what: str  # it may hold this: "a port, 1 to 65535"
    default: str
    installs: frozenset[Install]
    check: Callable[[str], object]  # raises ValueError; what is also a setting is checked with its program's
    program: type[BaseSettings] | None = None
    setting: str = ""
    secret: bool = False
    required: frozenset[Install] = frozenset()
    make: Callable[[], str] | None = None
