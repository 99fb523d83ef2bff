"""Limits the resources that a recipe may ask for."""

from dataclasses import replace

from seatrial.agent.recipes.recipe import Recipe, Service
from seatrial.agent.vocabulary.containers import Resources


def bounded(recipe: Recipe, most: Resources) -> Recipe:
    """`recipe` with every service lowered to `most`, and a warning for each that exceeded it."""
    warnings = list(recipe.warnings)
    services = {
        name: _lowered(service, most, f"{recipe.source}: services.{name}", warnings)
        for name, service in recipe.services.items()
    }
    return replace(recipe, services=services, warnings=tuple(warnings))


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
