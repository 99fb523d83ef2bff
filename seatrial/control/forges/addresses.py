"""Addresses of forges, as people enter them."""

from urllib.parse import urlsplit

from seatrial.control.forges.errors import UnfitConnection


def address(text: str) -> str:
    """The address of a forge, without a path's last slash. Raises UnfitConnection."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:  # brackets around what is no IPv6 address
        parts = urlsplit("")
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise UnfitConnection(f"{text!r} is no address of a forge. Write it like https://git.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UnfitConnection("The address of a forge has no user, password, query or fragment in it.")
    return text.strip().rstrip("/")


def origin(url: str) -> str:
    """Scheme, host and port of `url`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
