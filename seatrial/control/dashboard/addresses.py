"""Where previews answer, from what their services were labelled with."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from seatrial.control.previews.models import Environment
from seatrial.wire.deployments import PreviewAddress


@dataclass(frozen=True)
class Address:
    """One service's address. `main` is the one at the environment's own name."""

    service: str
    url: str
    host: str
    main: bool


def preview_address() -> PreviewAddress:
    """Scheme, domain and port of every preview of this instance."""
    configuration = settings.CONFIGURATION
    return PreviewAddress(
        scheme=configuration.galley_preview_scheme,
        domain=configuration.galley_preview_domain,
        port=configuration.galley_preview_port,
    )


def addresses(environment: Environment) -> list[Address]:
    """Every address of what is live, the main one first; empty while nothing is."""
    if environment.live_id is None:
        return []
    at = preview_address()
    found = [
        Address(service["name"], at.url(label), at.host(label), label == environment.name)
        for service in _services(environment)
        for label in service.get("labels", [])
    ]
    return sorted(found, key=lambda address: (not address.main, address.service))


def _services(environment: Environment) -> list[dict[str, Any]]:
    if environment.services:
        return list(environment.services)
    return list(environment.live.services) if environment.live else []
