"""A page that another page leads to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """Its name, and its address on this site."""

    name: str
    address: str
