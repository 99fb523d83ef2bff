"""The addresses of a preview, the main one first."""

from dataclasses import dataclass

from seatrial.control.previews.models import Environment
from seatrial.control.previews.routes import urls


@dataclass(frozen=True)
class Address:
    """One service's address. `main` is the one at the environment's own name."""

    service: str
    url: str
    host: str
    main: bool


def addresses(environment: Environment) -> list[Address]:
    """Every address of the live deployment; empty while there is none."""
    if environment.live_id is None:
        return []
    unsorted = [_address(environment.name, service, url) for service, url in urls(environment).items()]
    return sorted(unsorted, key=lambda address: (not address.main, address.service))


def _address(name: str, service: str, url: str) -> Address:
    host = url.split("://", 1)[1]
    return Address(service, url, host, host.split(".", 1)[0] == name)
