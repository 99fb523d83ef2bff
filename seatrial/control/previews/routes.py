"""Computes which hostname leads to which endpoint. `previews.route_document` writes it down for Traefik.

Names: a router is called by the hostname label it answers, a service by the first label of its service. Labels are
computed from the kinds of the services, never taken from an agent, so that no agent can claim another's name. Services
are stored only when the environment has their labels (`previews.labels`).
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from seatrial.control.previews import labels
from seatrial.control.previews.models import Deployment, Environment
from seatrial.wire.states import EnvironmentState

ENDPOINT = re.compile(r"(?:https?://)?(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}/?")


@dataclass(frozen=True)
class Candidate:
    """A deployment that becomes live once Traefik shows these `servers` per service and these services per router."""

    environment: str
    deployment: str
    servers: dict[str, str]
    routers: dict[str, str]


class Route(NamedTuple):
    """A hostname's label, the service that it leads to, and the service's endpoint."""

    label: str
    service: str
    endpoint: str


def candidate(environment: Environment) -> Candidate | None:
    """The environment's ready deployment that is not live yet, and what Traefik must show first; None if none."""
    deployment = environment.candidate
    if deployment is None or deployment.ready_at is None:
        return None
    routes = served(environment)
    return Candidate(
        environment.pk,
        deployment.pk,
        servers={route.service: route.endpoint for route in routes},
        routers={route.label: route.service for route in routes},
    )


def served(environment: Environment) -> list[Route]:
    """A route for each hostname of the ready candidate, or else of the live deployment; none if it is terminated."""
    hosts = _labels(environment)
    routes = []
    for service in _services(environment):
        endpoint = service.get("endpoint") or ""
        own = hosts.get(service["name"])
        if own and ENDPOINT.fullmatch(endpoint):
            url = endpoint if "://" in endpoint else f"http://{endpoint}"
            routes += [Route(label, own[0], url.rstrip("/")) for label in own]
    return routes


def asked(environment: Environment) -> bool:
    """Whether each request is asked about: its visitors need to be let in, or it sleeps and they wake it."""
    return gated(environment) or environment.asleep_since is not None


def gated(environment: Environment) -> bool:
    """Whether visitors of what is served are asked who they are."""
    deployment = shown_to_visitors(environment)
    return deployment is not None and deployment.gate_id is not None


def urls(environment: Environment) -> dict[str, str]:
    """The address of each routable service of the ready candidate, or else of the live deployment: `{service: url}`."""
    from seatrial.control.previews.desired import address

    where = address()
    hosts = _labels(environment)
    return {service: where.url(own[-1]) for service, own in sorted(hosts.items())}


def shown_to_visitors(environment: Environment) -> Deployment | None:
    """The ready candidate, or else the live deployment; None if nothing is served."""
    if environment.state == EnvironmentState.TERMINATED:
        return None
    candidate = environment.candidate
    return candidate if candidate is not None and candidate.ready_at is not None else environment.live


def _services(environment: Environment) -> list[dict[str, Any]]:
    deployment = shown_to_visitors(environment)
    if deployment is None:
        return []
    if deployment == environment.live and environment.services:
        return list(environment.services)
    return list(deployment.services)


def _labels(environment: Environment) -> dict[str, list[str]]:
    return labels.of_services(environment.name, _services(environment))
