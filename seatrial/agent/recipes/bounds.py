"""Limits the resources that a recipe may ask for."""

from collections.abc import Mapping
from dataclasses import replace

from seatrial.agent.recipes.recipe import Recipe, Service
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.errors import RecipeError

NAMED = 5  # services in a message, the largest first


def bounded(recipe: Recipe, most: Resources) -> Recipe:
    """`recipe` with every service lowered to `most`, and a warning for each that exceeded it."""
    warnings = list(recipe.warnings)
    services = {
        name: _lowered(service, most, f"{recipe.source}: services.{name}", warnings)
        for name, service in recipe.services.items()
    }
    return replace(recipe, services=services, warnings=tuple(warnings))


def together(recipe: Recipe, defaults: Resources) -> Resources:
    """What all services may use together; those that do not say count with `defaults`.

    Whatever a service may use, it may use all the time: the sum is what a preview can take from its host.
    """
    asked = [service.resources or defaults for service in recipe.services.values()]
    return Resources(cpus=sum(one.cpus for one in asked), memory_mb=sum(one.memory_mb for one in asked))


def within(recipe: Recipe, total: Resources, defaults: Resources) -> Recipe:
    """`recipe`, if its services `together` ask for at most `total`. Raises RecipeError."""
    asked = {name: service.resources or defaults for name, service in recipe.services.items()}
    memory = {name: float(one.memory_mb) for name, one in asked.items()}
    cpus = {name: one.cpus for name, one in asked.items()}
    for amounts, most, unit in ((memory, float(total.memory_mb), "MB of memory"), (cpus, total.cpus, "CPUs")):
        if sum(amounts.values()) > most:
            raise RecipeError(
                f"{recipe.source}:1: services: together they ask for {sum(amounts.values()):g} {unit}, and a preview gets at "
                f"most {most:g} from this agent: {_largest(amounts)}. Lower what they ask for, or leave services out."
            )
    return recipe


def _largest(amounts: Mapping[str, float]) -> str:
    first = sorted(amounts.items(), key=lambda item: -item[1])[:NAMED]
    more = len(amounts) - len(first)
    named = ", ".join(f"{name} {amount:g}" for name, amount in first)
    return named + (f" and {more} more" if more else "")


def _lowered(service: Service, most: Resources, where: str, warnings: list[str]) -> Service:
    asked = service.resources
    if asked is None:
        return service
    given = replace(asked, cpus=min(asked.cpus, most.cpus), memory_mb=min(asked.memory_mb, most.memory_mb))
    if given == asked:
        return service
    warnings.append(
        f"{where}: {asked.cpus:g} CPUs and {asked.memory_mb} MB are lowered to {given.cpus:g} and {given.memory_mb} MB, "
        "the most that this agent gives a service"
    )
    return replace(service, resources=given)
