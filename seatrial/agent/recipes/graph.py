"""Checks the dependency graph of a recipe: not too many services, every name known, no cycle."""

import difflib
from collections.abc import Collection, Mapping, Sequence

from seatrial.agent.recipes.document import Document
from seatrial.agent.recipes.problems import Problems
from seatrial.agent.recipes.recipe import Service

MOST_SERVICES = 40


def check(
    document: Document, services: Mapping[str, Service], problems: Problems, *, described: Collection[str]
) -> None:
    """Note services that do not exist, and a cycle. `described`: also those that could not be read.

    Raises RecipeError for too many services.
    """
    check_number(document, len(services))
    known = {*services, *described}
    for name, service in services.items():
        for other in service.comes_after:
            if other not in known:
                near = difflib.get_close_matches(other, known, n=1)
                fix = f"Did you mean {near[0]}" if near else f"Services here: {', '.join(sorted(known))}"
                at = ("services", name, _key(service, other))
                problems.add(document.error(at, f"there is no service {other}", fix))
    edges = {
        name: [other for other in service.comes_after if other in services]
        for name, service in services.items()
    }
    if cycle := find_cycle(edges):
        at = ("services", cycle[0], _key(services[cycle[0]], cycle[1]))
        drawn = " -> ".join(cycle)
        problems.add(document.error(at, f"{drawn} is a cycle", "Remove one of these dependencies"))


def check_number(document: Document, services: int) -> None:
    """Raise RecipeError for too many services."""
    if services > MOST_SERVICES:
        document.fail(
            ("services",),
            f"{services} services; a preview has at most {MOST_SERVICES}",
            "Leave out what the preview does not need",
        )


def _key(service: Service, other: str) -> str:
    """Where the service names the other. Compose counts the one whose network it joins among its dependencies."""
    return "network_mode" if other == service.network_of else "depends_on"


def find_cycle(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """One cycle as a path that ends where it began; empty when there is none."""
    done: set[str] = set()

    def walk(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for following in edges[name]:
            cycle = walk(following, [*trail, name])
            if cycle:
                return cycle
        done.add(name)
        return []

    return next((cycle for name in edges if (cycle := walk(name, []))), [])
