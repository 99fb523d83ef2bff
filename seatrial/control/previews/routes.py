"""Traefik's dynamic configuration, from the database. One document for everything; pure but for reading rows.

Names: a router is called by the hostname label it answers, a service by the first label of its service. Labels are
computed here from the kinds of the services, never taken from an agent, so that no agent can claim another's name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from seatrial.control.previews.models import Deployment, Environment
from seatrial.wire import hostnames
from seatrial.wire.states import EnvironmentState, ServiceKind

ENTRY_POINT = "web"
UNAVAILABLE = "preview-unavailable"  # the page that stands in for a preview that does not answer
ENDPOINT = re.compile(r"(?:https?://)?(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}/?")
Document = dict[str, Any]


@dataclass(frozen=True)
class Candidate:
    """A deployment that waits for its routes: live once Traefik has exactly these servers per service."""

    environment: str
    deployment: str
    servers: dict[str, str]


def document(environments: Iterable[Environment] | None = None) -> Document:
    """The whole dynamic configuration. Always holds the catch-all, because Traefik refuses empty sections."""
    http = _catch_all()
    for environment in serving() if environments is None else environments:
        for label, service, endpoint in _routes(environment):
            http["routers"][label] = {
                "rule": f"Host(`{label}.{settings.CONFIGURATION.galley_preview_domain}`)",
                "entryPoints": [ENTRY_POINT],
                "service": service,
                "middlewares": [f"{UNAVAILABLE}-errors"],
            }
            http["services"][service] = {
                "loadBalancer": {"servers": [{"url": endpoint}], "passHostHeader": True}
            }
    return {"http": http}


def candidates(environments: Iterable[Environment]) -> list[Candidate]:
    """Every ready deployment that is not live yet, with the servers that Traefik must show first."""
    return [
        Candidate(
            environment.pk,
            environment.candidate.pk,
            {service: endpoint for _, service, endpoint in _routes(environment)},
        )
        for environment in environments
        if environment.candidate is not None and environment.candidate.ready_at is not None
    ]


def serving() -> list[Environment]:
    """Every environment that has something to route to."""
    rows = Environment.objects.exclude(state=EnvironmentState.TERMINATED).select_related("live", "candidate")
    return [row for row in rows.order_by("id") if _served(row) is not None]


def urls(environment: Environment) -> dict[str, str]:
    """The address of each routable service of what is served now: `{service: url}`."""
    from seatrial.control.previews.desired import address

    where = address()
    found = _labels(environment)
    return {service: where.url(labels[-1]) for service, labels in sorted(found.items())}


def _served(environment: Environment) -> Deployment | None:
    candidate = environment.candidate
    return candidate if candidate is not None and candidate.ready_at is not None else environment.live


def _services(environment: Environment) -> list[dict[str, Any]]:
    deployment = _served(environment)
    if deployment is None:
        return []
    if deployment == environment.live and environment.services:
        return list(environment.services)
    return list(deployment.services)


def _labels(environment: Environment) -> dict[str, list[str]]:
    kinds = {service["name"]: ServiceKind(service["kind"]) for service in _services(environment)}
    return hostnames.labels(environment.name, kinds)


def _routes(environment: Environment) -> list[tuple[str, str, str]]:
    """(label, service, endpoint) for each hostname of what is served."""
    labels = _labels(environment)
    routes = []
    for service in _services(environment):
        endpoint = service.get("endpoint") or ""
        own = labels.get(service["name"])
        if own and ENDPOINT.fullmatch(endpoint):
            url = endpoint if "://" in endpoint else f"http://{endpoint}"
            routes += [(label, own[0], url.rstrip("/")) for label in own]
    return routes


def _catch_all() -> dict[str, Any]:
    configuration = settings.CONFIGURATION
    domain = re.escape(configuration.galley_preview_domain)
    return {
        "routers": {
            UNAVAILABLE: {
                "rule": f"HostRegexp(`^.+\\.{domain}$`)",
                "priority": 1,
                "entryPoints": [ENTRY_POINT],
                "service": UNAVAILABLE,
                "middlewares": [UNAVAILABLE],
            }
        },
        "middlewares": {
            UNAVAILABLE: {"replacePath": {"path": f"/{UNAVAILABLE}"}},
            f"{UNAVAILABLE}-errors": {
                "errors": {
                    "status": ["502-504"],
                    "service": UNAVAILABLE,
                    "query": f"/{UNAVAILABLE}?status={{status}}",
                }
            },
        },
        # Asked by the server's own name: the visitor's is in X-Forwarded-Host.
        "services": {
            UNAVAILABLE: {
                "loadBalancer": {"servers": [{"url": configuration.internal_url}], "passHostHeader": False}
            }
        },
    }
