"""`${NAME}` in the values of a recipe's environment and build arguments, replaced at deployment.

`$$` is a plain `$`. `${NAME:-text}` falls back to `text`, which may hold one more `${NAME}`. A `$NAME` without braces is left to the service.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from seatrial.agent.logs.masking import SHORTEST
from seatrial.agent.recipes.compose.marks import suffix
from seatrial.agent.recipes.recipe import Recipe, Service
from seatrial.agent.vocabulary.errors import RecipeError, UnresolvedVariable
from seatrial.wire.deployments import DesiredDeployment, DesiredEnvironment
from seatrial.wire.hostnames import labels

_REFERENCE = re.compile(
    r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(?::-((?:[^{}]|\$\{(?:[^{}]|\$\{[^{}]*\})*\})*))?\})"
)

OF_CALLBACK = ("GALLEY_CALLBACK_HOST", "GALLEY_CALLBACK_URL")


def known_values(
    desired: DesiredEnvironment,
    deployment: DesiredDeployment,
    recipe: Recipe,
    variables: Mapping[str, str],
) -> dict[str, str]:
    """Everything a recipe may refer to. Names beginning with GALLEY_ win over project variables."""
    values = dict(variables)
    kinds = {service.name: service.kind for service in recipe.services.values()}
    routed = labels(desired.name, kinds)
    for service in sorted(routed, key=lambda name: suffix(name) == name):  # `my_app` wins over `my-app`
        hosts, name = routed[service], suffix(service)
        values[f"GALLEY_PREVIEW_HOSTNAME_{name}"] = desired.address.hostname(hosts[0])
        values[f"GALLEY_PREVIEW_HOST_{name}"] = desired.address.host(hosts[0])
        values[f"GALLEY_PREVIEW_URL_{name}"] = desired.address.url(hosts[0])
    values["GALLEY_COMMIT"] = deployment.commit
    values["GALLEY_BRANCH"] = deployment.branch
    values["GALLEY_NUMBER"] = str(desired.number)
    return values


def callback_values(desired: DesiredEnvironment) -> dict[str, str]:
    """Of a project with a callback host. They are known before the recipe is, so that compose files treat them like any variable."""
    if not desired.callback:
        return {}
    host, url = desired.address.host(desired.callback), desired.address.url(desired.callback)
    return dict(zip(OF_CALLBACK, (host, url), strict=True))


def interpolated(recipe: Recipe, values: Mapping[str, str]) -> Recipe:
    """The recipe with every reference replaced. Raises UnresolvedVariable, naming its place."""
    services = {
        name: _service(service, values, f"{recipe.source}: services.{name}")
        for name, service in recipe.services.items()
    }
    return replace(recipe, services=services)


def refuse_in_builds(recipe: Recipe, secrets: Mapping[str, str]) -> None:
    """Raises RecipeError where a secret would go into a build: image histories, caches and command lines keep it in clear."""
    for service in recipe.services.values():
        if service.build is None:
            continue
        texts = {f"args.{key}": text for key, text in service.build.args.items()}
        texts["dockerfile_inline"] = service.build.dockerfile_inline or ""
        for key, text in texts.items():
            for name, value in secrets.items():
                if len(value) >= SHORTEST and value in text:
                    raise RecipeError(
                        f"{recipe.source}: services.{service.name}.build.{key}: the secret {name} may not go into a build: "
                        f"the image keeps it for everybody who can read it. Name {name} below build.secrets for a step that mounts it, give it "
                        "to the service when it runs, in its environment, or make it a plain variable if it is none",
                        service=service.name,
                    )


def _service(service: Service, values: Mapping[str, str], where: str) -> Service:
    environment = {
        key: substitute(text, values, _unresolved(service, f"{where}.env.{key}"))
        for key, text in service.environment.items()
    }
    build = service.build and replace(
        service.build,
        args={
            key: substitute(text, values, _unresolved(service, f"{where}.build.args.{key}"))
            for key, text in service.build.args.items()
        },
    )
    return replace(service, environment=environment, build=build)


def _unresolved(service: Service, where: str) -> Callable[[str], UnresolvedVariable]:
    def error(name: str) -> UnresolvedVariable:
        add = (
            "Switch on the callback host in the project's settings"
            if name in OF_CALLBACK
            else f"Add {name} to the project's variables"
        )
        return UnresolvedVariable(
            f"{where}: ${{{name}}} has no value. {add}, or write $${{{name}}} for the text itself",
            service=service.name,
        )

    return error


def substitute(text: str, values: Mapping[str, str], error: Callable[[str], Exception]) -> str:
    """`text` with its references replaced; raises `error(name)` for one without a value."""

    def value(match: re.Match[str]) -> str:
        name, fallback = match[1], match[2]
        if name is None:
            return "$"
        if name in values:
            return values[name]
        if fallback is not None:
            return substitute(fallback, values, error)
        raise error(name)

    return _REFERENCE.sub(value, text)
