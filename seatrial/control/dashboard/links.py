"""Things with a name that another page leads to."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Link:
    """Its name, and its address on this site; empty if it has no page."""

    name: str
    address: str


# The links for what texts name and a person may see, by what stands in the text: `home.named.links`
Named = Callable[[Any, Iterable[str]], Mapping[str, Link]]
