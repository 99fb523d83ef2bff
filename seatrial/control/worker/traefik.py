"""Asks Traefik's API what it has applied: name by name if there are few, all at once if there are many."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpx
from django.conf import settings

from seatrial.control import outbound
from seatrial.control.errors import ControlError
from seatrial.control.previews.routes import Candidate

TIMEOUT_SECONDS = 2.0
ONE_BY_ONE = 20  # names to ask for one by one, at most; listing 5,000 takes as long as 40 single requests
CONNECTIONS = 8
PER_PAGE = 10_000
Entries = dict[str, dict[str, Any]]


class TraefikAway(ControlError):
    """Nobody knows now what Traefik has applied; the message says why. It is never raised out of this module."""

    code = "traefik_away"


@dataclass(frozen=True)
class Finding:
    """What Traefik shows of one candidate: whether it is `applied`, or why not. If not `answered`, nothing is known."""

    applied: bool
    why: str = ""
    answered: bool = True


class Traefik:
    """Traefik's API. No call raises when Traefik is away. At most CONNECTIONS requests at once."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = outbound.async_client(
            settings.CONFIGURATION,
            to=[url],
            timeout=httpx.Timeout(TIMEOUT_SECONDS, pool=None),
            limits=httpx.Limits(max_connections=CONNECTIONS),
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def look(self, candidates: Sequence[Candidate]) -> list[Finding]:
        """What Traefik shows of each of `candidates`, in their order."""
        try:
            services = await self._find("services", {name for c in candidates for name in c.servers})
            findings = [_services(candidate, services) for candidate in candidates]
            right = [c for c, one in zip(candidates, findings, strict=True) if one.applied]
            routers = await self._find("routers", {label for c in right for label in c.routers})
        except TraefikAway as away:
            return [Finding(applied=not c.servers, why=str(away), answered=False) for c in candidates]
        return [
            _routers(candidate, routers) if one.applied else one
            for candidate, one in zip(candidates, findings, strict=True)
        ]

    async def _find(self, kind: str, names: set[str]) -> Entries:
        if len(names) > ONE_BY_ONE:
            return await self._list(kind)
        ordered = sorted(names)
        answers = await asyncio.gather(
            *(self._get(f"{kind}/{name}@file") for name in ordered), return_exceptions=True
        )
        for one in answers:  # all requests have ended, so none is left running
            if isinstance(one, BaseException):
                raise one
        return {
            name: one.value for name, one in zip(ordered, answers, strict=True) if isinstance(one, _Answer)
        }

    async def _list(self, kind: str) -> Entries:
        entries: Entries = {}
        page = "1"
        while True:
            answer = await self._get(f"{kind}?per_page={PER_PAGE}&page={page}")
            if answer is None:
                return entries
            entries |= {one["name"].removesuffix("@file"): one for one in answer.value}
            page = answer.next_page
            if page == "1":  # after the last page, Traefik names the first
                return entries

    async def _get(self, path: str) -> "_Answer | None":
        """The answer for `path`; None if Traefik has nothing of that name."""
        try:
            answer = await self._client.get(f"{self._url}/api/http/{path}")
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            answer.raise_for_status()
            return _Answer(answer.json(), answer.headers.get("X-Next-Page", "1"))
        except httpx.TransportError as error:
            raise TraefikAway(
                f"Traefik's API at {self._url} does not answer ({type(error).__name__})"
            ) from error
        except (httpx.HTTPStatusError, ValueError) as error:
            status = f"status {answer.status_code}"
            raise TraefikAway(f"what answers at {self._url} is not Traefik's API ({status})") from error


class _Answer(NamedTuple):
    value: Any
    next_page: str


def _services(candidate: Candidate, services: Entries) -> Finding:
    for name, endpoint in candidate.servers.items():
        service = services.get(name)
        if service is None:
            return Finding(False, f"Traefik does not show service {name}")
        if error := _error(service):
            return Finding(False, f"Traefik refuses service {name}: {error}")
        servers = [one.get("url", "") for one in (service.get("loadBalancer") or {}).get("servers") or []]
        if servers != [endpoint]:
            return Finding(False, f"Traefik sends service {name} to {', '.join(servers)}, not to {endpoint}")
    return Finding(True)


def _routers(candidate: Candidate, routers: Entries) -> Finding:
    for label, service in candidate.routers.items():
        router = routers.get(label)
        if router is None:
            return Finding(False, f"Traefik does not show router {label}")
        if error := _error(router):
            return Finding(False, f"Traefik refuses router {label}: {error}")
        if router.get("service") != service:
            return Finding(
                False, f"Traefik sends router {label} to {router.get('service')}, not to {service}"
            )
    return Finding(True)


def _error(entry: dict[str, Any]) -> str:
    errors: Iterable[str] = entry.get("error") or []
    if entry.get("status") == "disabled":
        return "; ".join(errors) or "it is disabled"
    return ""
