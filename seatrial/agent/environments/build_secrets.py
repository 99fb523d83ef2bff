"""Which secrets a build is given: those that its recipe names and its project permits, from the variables of its own tier."""

from collections.abc import Mapping

from seatrial.agent.recipes.recipe import Recipe, Service
from seatrial.agent.vocabulary.errors import RecipeError, UnresolvedVariable
from seatrial.wire.variables import Values

KEY = "PRIVATE KEY-----"


def check(recipe: Recipe, given: Values, *, fork: bool) -> None:
    """Raises RecipeError, or UnresolvedVariable, for one that no build of the recipe can be given. No message quotes a value."""
    for service in recipe.services.values():
        if service.build is None:
            continue
        for kind, wanted in (("secrets", service.build.secrets), ("ssh", service.build.ssh)):
            for name, variable in wanted.items():
                place = recipe.places.get(service.name, recipe.source)
                where = f"{place}: services.{service.name}.build.{kind}.{name}: {variable}"
                _check(service, where, variable, given, fork=fork)
                if kind == "ssh" and not _is_key(given.values[variable]):
                    raise RecipeError(
                        f"{where} is not a private key without a passphrase, in the form that ssh-keygen writes. Set it to one",
                        service=service.name,
                    )


def _check(service: Service, where: str, variable: str, given: Values, *, fork: bool) -> None:
    if variable not in given.values:
        who = ", which gives pull requests from forks only what is set for forks" if fork else ""
        raise UnresolvedVariable(
            f"{where} has no value. Add it to the variables of the project{who}, and permit builds to use it",
            service=service.name,
        )
    if variable not in given.builds:
        raise RecipeError(
            f"{where} may not be used by builds. An admin permits it where variables are set: Builds may use it",
            service=service.name,
        )


def _is_key(value: str) -> bool:
    first = value.strip().partition("\n")[0]
    return first.startswith("-----BEGIN ") and first.endswith(KEY) and "ENCRYPTED" not in value[:500]


def values_of(wanted: Mapping[str, str], given: Values) -> dict[str, str]:
    """{id: value}, of what was checked."""
    return {name: given.values[variable] for name, variable in wanted.items()}


def cache_scope(project: str, *, fork: bool) -> str:
    """Whose layers and caches a build uses. Those of forks are apart: others may hold what a secret fetched."""
    return f"{project}/forks" if fork else project
