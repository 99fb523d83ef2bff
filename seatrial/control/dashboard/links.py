"""A page that another page leads to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """What it is called, and its address on this site."""

    name: str
    address: str
