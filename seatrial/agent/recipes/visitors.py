"""Whether anybody can visit what a recipe describes."""

from dataclasses import replace

from seatrial.agent.recipes.recipe import Recipe, is_galley


def with_warning(recipe: Recipe) -> Recipe:
    """`recipe`, with a warning if none of its services gets an address."""
    if any(service.kind.routable for service in recipe.services.values()):
        return recipe
    fix = "set kind: web" if is_galley(recipe.source) else "add ports: to it, or x-galley-kind: web"
    warning = f"{recipe.source}: this preview has no address, as no service is for visitors. If one is, {fix}"
    return replace(recipe, warnings=(*recipe.warnings, warning))
