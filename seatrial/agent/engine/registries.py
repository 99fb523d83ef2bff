"""How the engine's operator set registries up; pulls keep to it, although the engine itself pulls nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PROXIES = {"HttpProxy": "HTTP_PROXY", "HttpsProxy": "HTTPS_PROXY", "NoProxy": "NO_PROXY"}


@dataclass(frozen=True)
class Registries:
    """`registry-mirrors` (addresses that stand for Docker Hub), `insecure-registries` (hosts, and networks of hosts),
    and the engine's proxies, by the variable that carries each."""

    mirrors: Sequence[str] = ()
    insecure: Sequence[str] = ()
    insecure_networks: Sequence[str] = ()
    proxies: Mapping[str, str] = field(default_factory=dict)


def registries_from(information: Mapping[str, Any]) -> Registries:
    """Read from the answer of GET /info."""
    known = information.get("RegistryConfig") or {}
    indexes = known.get("IndexConfigs") or {}
    return Registries(
        mirrors=tuple(known.get("Mirrors") or ()),
        insecure=tuple(name for name, index in indexes.items() if not index.get("Secure", True)),
        insecure_networks=tuple(known.get("InsecureRegistryCIDRs") or ()),
        proxies={variable: information[key] for key, variable in PROXIES.items() if information.get(key)},
    )
