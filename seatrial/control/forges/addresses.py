"""Addresses of forges, as people enter them."""

import re
from urllib.parse import urlsplit

from seatrial.control.forges.errors import UnfitConnection

# An address is also part of headers, such as which host a page's form may go to: nothing else may be in it.
PLAIN = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/%-]*)?")


def address(text: str) -> str:
    """The address of a forge, without a path's last slash. Raises UnfitConnection."""
    given = text.strip()
    if not given:
        raise UnfitConnection("The address of the forge is missing. Write it like https://git.example.com")
    if given.lower().startswith(("https://", "http://")) and any(one in given for one in "@?#"):
        raise UnfitConnection("The address of a forge has no user, password, query or fragment in it.")
    if not PLAIN.fullmatch(given):
        raise UnfitConnection(f"{text!r} is no address of a forge. Write it like https://git.example.com")
    return given.rstrip("/")


def origin(url: str) -> str:
    """Scheme, host and port of `url`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
