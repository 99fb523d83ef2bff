"""Finds services of a compose file that keep data although it does not say so; they must never run twice at a time."""

from collections.abc import Mapping
from dataclasses import replace

from seatrial.agent.recipes import kinds
from seatrial.agent.recipes.compose.values import anonymous
from seatrial.agent.recipes.dockerfile import Dockerfile
from seatrial.agent.recipes.recipe import Recipe, Service
from seatrial.agent.vocabulary.containers import Mount, RestartPolicy
from seatrial.wire.states import ServiceKind


def kept(recipe: Recipe, files: Mapping[str, Dockerfile | None]) -> Recipe:
    """`recipe` with kinds inferred from its images, ports and volumes, and a warning for each guess.

    Two versions of a preview run side by side for a moment. Two servers on one volume destroy it.
    """
    warnings = list(recipe.warnings)
    ended = {name for service in recipe.services.values() for name in service.wait_for_exit}
    built = {m.volume for service in recipe.services.values() if service.build for m in service.mounts}
    services: dict[str, Service] = {}
    for service in recipe.in_order():
        name, settled = service.name, service
        if name not in recipe.given_kinds:
            settled = one_shot(service) if name in ended else with_kind_of_image(service, files[name])
            if name not in ended and not settled.kind.keeps_data:
                moving = any(not stays(services[other]) for other in settled.depends_on)
                settled = with_kind_of_volume(
                    settled, built, moving, f"{recipe.source}: services.{name}", warnings
                )
        services[name] = with_names(settled)
    ordered = {name: services[name] for name in recipe.services}
    return replace(recipe, services=ordered, warnings=tuple(warnings))


def stays(service: Service) -> bool:
    """Whether the service outlives deployments."""
    return service.kind.keeps_data or service.keeps_data


def one_shot(service: Service) -> Service:
    """The worker that `service` is if others wait for its end: it is no server, whatever its image. `mongo` may run a script."""
    return replace(service, kind=ServiceKind.WORKER) if service.kind.keeps_data else service


def with_kind_of_image(service: Service, file: Dockerfile | None) -> Service:
    """`service` with the kind that the base image of its build implies, if any: `FROM postgres` makes a database."""
    base = file.base(service.build.target) if file and service.build else ""
    kind = kinds.of_image(base) if base else None
    if kind is None:
        return service
    ports = service.ports or kinds.default_ports(base)
    return replace(service, kind=kind, ports=ports, restart=comes_back(service))


def with_kind_of_volume(
    service: Service, built: set[str], moving: bool, where: str, warnings: list[str]
) -> Service:
    """`service`, marked as keeping data if it is pulled and writes to a volume that no built service shares; or of the kind
    that its ports imply, if no visitor has any business there.

    It is not marked if it leads visitors to services that change with the push (`moving`): if it stayed, it would lead
    visitors to the old ones.
    """
    own = [m.volume for m in service.mounts if m.volume and not m.read_only and m.volume not in built]
    if service.build:
        return service
    by_port = kinds.of_port(service.port)
    for_nobody = service.kind is ServiceKind.WEB and all(map(kinds.of_port, service.ports))
    if by_port is not None and (own or for_nobody):
        taken = "port and volume" if own else "port"
        warnings.append(f"{where}: kind {by_port} inferred from its {taken}; set x-galley-kind: to be sure")
        return replace(service, kind=by_port, restart=comes_back(service))
    if not own:
        return service
    if service.kind is ServiceKind.WEB and (moving or kinds.is_proxy(service.image or "")):
        warnings.append(
            f"{where}: at each push, two versions of it write to the volume {own[0]} for a moment; "
            "with x-galley-kind: database there is only one, but it has no host name"
        )
        return service
    warnings.append(
        f"{where}: kept across pushes, as it writes to the volume {own[0]}; set x-galley-kind: to be sure"
    )
    kind = service.kind if service.kind.routable else ServiceKind.OTHER
    return replace(service, kind=kind, keeps_data=True)


def comes_back(service: Service) -> RestartPolicy:
    """The restart policy of a server: a compose file without one means "never" only for programs that end."""
    never = service.restart is RestartPolicy.NEVER
    return RestartPolicy.UNLESS_STOPPED if never else service.restart


def with_names(service: Service) -> Service:
    """`service` with names for its anonymous volumes if it outlives deployments: the engine would remove such a volume with
    its container."""
    if not stays(service):
        return service
    mounts = [Mount(m.volume or anonymous(service.name, m.path), m.path, m.read_only) for m in service.mounts]
    return replace(service, mounts=tuple(mounts))
