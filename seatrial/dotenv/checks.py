"""Checks of variables that only Compose, or a program that is not ours, reads. None repeats the value."""

import ipaddress
import re
from pathlib import Path

from seatrial.control.authorities import UnfitAuthorities, trusting
from seatrial.control.vault.errors import UnfitMasterKey
from seatrial.control.vault.keys import MasterKey
from seatrial.environ import shapes

FERNET = re.compile(r"[A-Za-z0-9_-]{43}=")
LEAST_KEY, LEAST_PASSWORD = 32, 8


def anything(_: str) -> None:
    """A setting's own check is enough."""


def secret_key(text: str) -> None:
    """Long enough that nobody guesses it."""
    if len(text) < LEAST_KEY:
        raise ValueError(f"shorter than {LEAST_KEY} characters. Make one with `openssl rand -hex 32`")


def master_key(text: str) -> None:
    """As the vault reads it."""
    try:
        MasterKey.parse(text)
    except UnfitMasterKey:
        raise ValueError("not 32 bytes as hex or base64. Make one with `openssl rand -hex 32`") from None


def secret_keys(text: str) -> None:
    """Each of several, with commas between."""
    for one in text.split(","):
        secret_key(one.strip())


def master_keys(text: str) -> None:
    """Each of several, with commas between."""
    for one in text.split(","):
        master_key(one)


def fernet_key(text: str) -> None:
    """32 bytes in URL-safe base64."""
    if FERNET.fullmatch(text) is None:
        raise ValueError(
            "not a Fernet key, which is 32 bytes in URL-safe base64. Make one with "
            "`openssl rand -base64 32 | tr +/ -_`"
        )


def database_password(text: str) -> None:
    """It is not shown, and not changed on its way."""
    if len(text) < LEAST_PASSWORD:
        raise ValueError(f"shorter than {LEAST_PASSWORD} characters. Make one with `openssl rand -hex 24`")
    if re.match(r"https?://|postgres(ql)?://", text):
        raise ValueError(
            "an address, not a password: it is swapped with another variable. Put the password here"
        )


def first_password(text: str) -> None:
    """As people's passwords are."""
    if len(text) < LEAST_PASSWORD:
        raise ValueError(f"shorter than {LEAST_PASSWORD} characters. Write a longer one")


def authorities(text: str) -> None:
    """A path on the host; what is there is read if it can be seen from here."""
    path = Path(text)
    if not path.is_absolute():
        raise ValueError("not a path from the root. Write it like /etc/seatrial/ca.pem")
    if path.exists():
        try:
            trusting(path)
        except UnfitAuthorities as error:
            raise ValueError(str(error)) from error


def authorities_here(text: str) -> None:
    """The same, and it must be there."""
    authorities(text)
    if not Path(text).is_file():
        raise ValueError("there is no such file. Put the certificates of your authorities there, as PEM")


def directory(text: str) -> None:
    """From the root, because it is mounted at the same path."""
    if not text.startswith("/") or "://" in text:
        raise ValueError("not a path from the root. Write it like /var/lib/galley")


def node(text: str) -> None:
    """What a node of the bus is called."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", text) is None:
        raise ValueError("not one word. Write it like one, of letters, digits and hyphens")


def email(text: str) -> None:
    """Whom an authority writes to."""
    if re.fullmatch(r"[^@\s:/]+@[^@\s:/]+\.[^@\s:/]+", text) is None:
        raise ValueError("not an e-mail address. Write it like operator@example.com")


def https(text: str) -> None:
    """An address, with its path."""
    shapes.server("https://ca.example.com/directory")(text)
    if not text.startswith("https://"):
        raise ValueError("not an address with https. Write it like https://ca.example.com/directory")


def port(text: str) -> None:
    """As the host has them."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:6]) < 65536:
        raise ValueError("not a port, 1 to 65535. Write it like 8443")


def hours(text: str) -> None:
    """For how long something is good."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:7]) < 1_000_000:
        raise ValueError("not a number of hours. Write it like 2160")


def address(text: str) -> None:
    """Of this host, or all of them."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ValueError("not an IP address. Write it like 10.0.0.7, or 0.0.0.0 for all") from None


def prefix(text: str) -> None:
    """What stands before a name."""
    if not text.endswith("/") or shapes.IMAGE.fullmatch(f"{text}x") is None:
        raise ValueError("not the beginning of an image's name. Write it like registry.example.com/seatrial/")
