"""Domains of e-mail addresses that a provider has verified."""

from collections.abc import Iterable

from seatrial.control.listed import RANKS, Listed, Source


def domains_of(addresses: Iterable[str]) -> dict[Listed, str]:
    """Each address's domain, as something that its owner belongs to."""
    found = (address.lower().rpartition("@") for address in addresses)
    return {
        Listed(Source.EMAIL, domain): RANKS[Source.EMAIL][0] for name, at, domain in found if name and domain
    }
