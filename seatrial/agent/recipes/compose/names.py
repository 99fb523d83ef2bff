"""The names by which services of a compose file reach each other, and the images that they share."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def aliases(services: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """{service: further names} from container_name, aliases on networks, and links. A service's own name is never taken."""
    aliases: dict[str, dict[str, None]] = {name: {} for name in services}
    for name, alias in further_names(services):
        if name in aliases and alias not in services and HOST.fullmatch(alias):
            aliases[name][alias] = None
    return {name: tuple(names) for name, names in aliases.items()}


def further_names(services: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each further name in the file, as (service, name)."""
    for name, keys in services.items():
        if keys.get("container_name"):
            yield name, str(keys["container_name"])
        networks = keys.get("networks")
        for network in networks.values() if isinstance(networks, dict) else []:
            yield from ((name, alias) for alias in (network or {}).get("aliases") or [])
        for link in keys.get("links") or []:
            target, _, alias = str(link).partition(":")
            if alias:
                yield target, alias


def builders(services: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """{image: the service that builds it}. A service that only names the image runs the one that its sibling builds."""
    return {
        tagged(keys["image"]): name
        for name, keys in services.items()
        if keys.get("build") and keys.get("image")
    }


def tagged(image: str) -> str:
    """An image's name with its tag, as docker completes it."""
    return image if re.search(r"[:@][^/]*$", image) else f"{image}:latest"
