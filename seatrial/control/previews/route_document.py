"""Traefik's dynamic configuration: one document, assembled from what each environment adds to it.

It is JSON, which Traefik reads as YAML, with one router or service per line. What an environment adds is serialised
once and kept until it changes, so that a change is cheap however many environments there are. A name belongs to one
environment (`previews.labels`); if two add it all the same, the older one gets it. The document depends on the rows only,
not on the order in which they were taken.
"""

import json
import re
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings

from seatrial.control.previews import routes
from seatrial.control.previews.callbacks import began
from seatrial.control.previews.models import Environment
from seatrial.control.previews.routes import Candidate
from seatrial.control.previews.sleeping import callers

ENTRY_POINT = "web"
UNAVAILABLE = "preview-unavailable"  # the page in place of a preview that does not answer
# Visitors do not notice when a container restarts. A request that the service did not accept (no byte of it was sent) is
# tried again and again. A request that it accepted but did not answer is tried once more, if it has no body and its
# method allows that (GET); with more attempts, a request that crashes the container would keep it down.
HELD = "preview-held"
HOLD = {"attempts": 24, "initialInterval": "200ms", "timeout": "8s"}
REPEATED = "preview-repeated"
REPEAT = {
    "attempts": 2,
    "initialInterval": "300ms",  # a program that is ending still accepts connections for a moment
    "status": ["502"],
    "maxRequestBodyBytes": 0,
    "disableRetryOnNetworkError": True,
    "timeout": "4s",  # less than a hold takes: a preview that stays down is not waited for twice
}
# An answer that begins while the last of its request is still passed on can be cut off: Traefik's server takes the request
# away from what passes it on, which then ends the connection to the service. What a body of usual size says is therefore
# read first, and passed on from memory. Longer ones, and those of unknown length, arrive as they come.
WHOLE = "preview-whole"
READ_FIRST = {
    "attempts": 2,
    "status": ["199"],  # which no answer ends with: nothing is ever repeated by this
    "disableRetryOnNetworkError": True,
    "retryNonIdempotentMethod": True,
    "maxRequestBodyBytes": 1_000_000,
}
# Connections to a service that nobody uses end soon, so that those which stay are long answers and websockets: agents count them.
TRANSPORT = "preview-transport"
FORWARDING = {"idleConnTimeout": "5s"}
# Who gets in is asked before anything else, for each request. If nobody answers, nobody gets in. Of the visitor's headers, the
# gatekeeper sees those it needs, and decides what the preview gets of those that it answers with.
GATE = "preview-gate"
SEEN_BY_GATE = [
    "Accept",
    "Access-Control-Request-Method",
    "Authorization",
    "Cookie",
    "Origin",
    "Sec-Fetch-Mode",
    "X-Galley-Bypass",
    callers.LOOK,
    *callers.READ,
]
DECIDED_BY_GATE = ["Authorization", "Cookie", "X-Galley-Bypass"]
# The host that a project registers where people sign in is ours. To lead them back, it asks what their browser opened: for previews of
# such projects, the gatekeeper is asked about pages, and has the browser remember it.
CALLBACK = "preview-callback"
OF_PAGES = "HeaderRegexp(`Sec-Fetch-Mode`, `^navigate$`)"
OF_USUAL_SIZE = "HeaderRegexp(`Content-Length`, `^[0-9]{4,6}$`)"  # shorter ones are passed on in one piece
Lines = dict[str, str]  # by name; Traefik rejects the whole file when a name comes twice


class Added(NamedTuple):
    """What one environment adds to the document."""

    routers: Lines
    services: Lines


class Document:
    """The routes and waiting candidates of all environments given to `take` and `replace`. Not thread-safe."""

    def __init__(self) -> None:
        self._added: dict[str, Added] = {}
        self._waiting: dict[str, Candidate] = {}
        self._text: str | None = None

    def take(self, environment: Environment) -> bool:
        """Add or update this environment; True when the document changed. Taking it again changes nothing."""
        candidate = routes.candidate(environment)
        if candidate is None:
            self._waiting.pop(environment.pk, None)
        else:
            self._waiting[environment.pk] = candidate
        added = _added(environment)
        if added == self._added.get(environment.pk):
            return False
        self._text = None
        if added is None:
            del self._added[environment.pk]
        else:
            self._added[environment.pk] = added
        return True

    def replace(self, environments: Iterable[Environment]) -> list[str]:
        """Replace everything by `environments`; returns the ids of those for which the document changed."""
        rows = {row.pk: row for row in environments}
        gone = (self._added.keys() | self._waiting.keys()) - rows.keys()
        changed = [pk for pk in gone if self._added.pop(pk, None)]
        for pk in gone:
            self._waiting.pop(pk, None)
        if changed:
            self._text = None
        return sorted(changed + [pk for pk, row in rows.items() if self.take(row)])

    def candidates(self) -> list[Candidate]:
        """Every deployment that waits for its routes, the oldest environment's first."""
        return [self._waiting[pk] for pk in sorted(self._waiting)]

    def text(self) -> str:
        """The whole document. Always holds the catch-all, because Traefik refuses empty sections."""
        if self._text is None:
            sections = _catch_all()
            for pk in sorted(self._added, reverse=True):
                added = self._added[pk]
                sections["routers"].update(added.routers)
                sections["services"].update(added.services)
            body = ",\n".join(_section(name, lines) for name, lines in sections.items())
            self._text = f'{{"http":{{\n{body}\n}}}}\n'
        return self._text


def _added(environment: Environment) -> Added | None:
    """What the environment adds to the document; None when it has no route."""
    served = routes.served(environment)
    if not served:
        return None
    gate = [GATE] if routes.asked(environment) else []
    routers = _lines(partial(_router, gate), served) | _lines(partial(_router_of_bodies, gate), served)
    if not gate and environment.project.callbacks:
        routers |= _lines(_router_of_pages, served)
    return Added(routers, _lines(_service, served))


def _lines(entry: Any, served: list[routes.Route]) -> Lines:
    return dict(_line(*entry(route)) for route in served)


def _router(gate: list[str], route: routes.Route) -> tuple[str, dict[str, Any]]:
    return route.label, {
        "rule": f"Host(`{route.label}.{settings.CONFIGURATION.galley_preview_domain}`)",
        "entryPoints": [ENTRY_POINT],
        "service": route.service,
        "middlewares": [*gate, f"{UNAVAILABLE}-errors", REPEATED, HELD],
    }


def _router_of_bodies(gate: list[str], route: routes.Route) -> tuple[str, dict[str, Any]]:
    """Of the same visitors, those with a body of usual size. No label has a dot: the name is nobody else's."""
    name, router = _router(gate, route)
    rule, middlewares = f"{router['rule']} && {OF_USUAL_SIZE}", router["middlewares"]
    outer = len(gate) + 1
    return f"{name}.whole", {
        **router,
        "rule": rule,
        "middlewares": [*middlewares[:outer], WHOLE, *middlewares[outer:]],
    }


def _router_of_pages(route: routes.Route) -> tuple[str, dict[str, Any]]:
    name, router = _router([GATE], route)
    return f"{name}.page", {**router, "rule": f"{router['rule']} && {OF_PAGES}"}


def _service(route: routes.Route) -> tuple[str, dict[str, Any]]:
    balancer = {"servers": [{"url": route.endpoint}], "passHostHeader": True, "serversTransport": TRANSPORT}
    return route.service, {"loadBalancer": balancer}


def _line(name: str, value: object) -> tuple[str, str]:
    return name, f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'))}"


def _section(name: str, lines: Lines) -> str:
    return f"{json.dumps(name)}:{{\n" + ",\n".join(lines.values()) + "\n}"


def _catch_all() -> dict[str, Lines]:
    configuration = settings.CONFIGURATION
    domain = re.escape(configuration.galley_preview_domain)
    router = {
        "rule": f"HostRegexp(`^.+\\.{domain}$`)",
        "priority": 1,
        "entryPoints": [ENTRY_POINT],
        "service": UNAVAILABLE,
        "middlewares": [UNAVAILABLE],
    }
    callbacks = {
        "rule": f"HostRegexp(`^callback-[^.]+\\.{domain}$`)",
        "priority": 2,
        "entryPoints": [ENTRY_POINT],
        "service": UNAVAILABLE,
        "middlewares": [CALLBACK],
    }
    errors = {
        "status": ["502-504"],
        "service": UNAVAILABLE,
        "query": f"/{UNAVAILABLE}?status={{status}}",
    }
    gate = {
        "address": f"{configuration.internal_url}/{GATE}",
        "authRequestHeaders": SEEN_BY_GATE,
        "authResponseHeaders": DECIDED_BY_GATE,
        "addAuthCookiesToResponse": [began.cookie_name()],
    }
    # The request names this server as its host; the visitor's host is in X-Forwarded-Host.
    service = {"loadBalancer": {"servers": [{"url": configuration.internal_url}], "passHostHeader": False}}
    return {
        "middlewares": dict(
            [
                _line(UNAVAILABLE, {"replacePath": {"path": f"/{UNAVAILABLE}"}}),
                _line(f"{UNAVAILABLE}-errors", {"errors": errors}),
                _line(GATE, {"forwardAuth": gate}),
                _line(CALLBACK, {"addPrefix": {"prefix": f"/{CALLBACK}"}}),
                _line(WHOLE, {"retry": READ_FIRST}),
                _line(HELD, {"retry": HOLD}),
                _line(REPEATED, {"retry": REPEAT}),
            ]
        ),
        "routers": dict([_line(UNAVAILABLE, router), _line(CALLBACK, callbacks)]),
        "services": dict([_line(UNAVAILABLE, service)]),
        "serversTransports": dict([_line(TRANSPORT, {"forwardingTimeouts": FORWARDING})]),
    }
