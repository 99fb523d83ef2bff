"""A deployment worked out to the last detail: which containers, from which images, with which limits."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from seatrial.agent.environments.containment import Containment
from seatrial.agent.environments.names import Names
from seatrial.agent.recipes.compose.values import anonymous
from seatrial.agent.recipes.recipe import Build, Recipe, Service
from seatrial.agent.vocabulary.containers import Container, ContainerSpec, Files, Mount, Resources
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.errors import RecipeError
from seatrial.agent.vocabulary.labels import FINGERPRINT, MADE_FOR
from seatrial.agent.vocabulary.mount_targets import is_inside, refused_mount_target
from seatrial.agent.vocabulary.options import Options
from seatrial.agent.vocabulary.tree import Entry
from seatrial.wire.states import Isolation

FORMAT = 1  # of the fingerprint: raise it when the facts that go into the fingerprint change


@dataclass(frozen=True)
class Planned:
    """One service and the container it will run in. `durable`: keeps data and outlives deployments."""

    service: Service
    spec: ContainerSpec
    durable: bool
    recipe: str = ""  # the file that describes it, for messages

    @property
    def one_shot(self) -> bool:
        """Whether the service is meant to end: exit code 0 is success."""
        return self.service.restart.may_end


@dataclass(frozen=True)
class Launch:
    """Everything that runs for one deployment, dependencies first."""

    deployment: str
    network: str
    services: tuple[Planned, ...]
    isolation: Isolation
    egress: Egress
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def named(self, service: str) -> Planned:
        """The service of that name."""
        return next(planned for planned in self.services if planned.service.name == service)

    def volumes(self) -> set[str]:
        """Every named volume that a service mounts."""
        return {m.volume for planned in self.services for m in planned.spec.mounts if m.volume}


def is_durable(service: Service) -> bool:
    """Whether the service outlives deployments: databases, caches, queues and others that keep data, unless ephemeral."""
    return (service.kind.keeps_data or service.keeps_data) and not service.ephemeral


def build_digest(build: Build, entries: Sequence[Entry], siblings: Mapping[str, str] | None = None) -> str:
    """Hash of everything an image is made from: files under its path, the Dockerfile, target, arguments, and further contexts:
    `siblings` are the images of those services."""
    roots = [PurePosixPath(path) for path in (build.path, *build.contexts.folders.values())]
    dockerfile = _normal(roots[0] / build.dockerfile)
    mine = [
        (entry.path, entry.mode, entry.oid)
        for entry in entries
        if entry.path == dockerfile
        or any(str(root) == "." or PurePosixPath(entry.path).is_relative_to(root) for root in roots)
    ]
    facts = [mine, build.path, build.dockerfile, build.target, sorted(build.args.items())]
    facts += [build.dockerfile_inline] if build.dockerfile_inline else []
    facts += [asdict(build.contexts), sorted((siblings or {}).items())] if build.contexts else []
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts:
            parts.pop()
        elif part not in {".", ".."}:
            parts.append(part)
    return "/".join(parts)


def launch(
    names: Names,
    deployment: str,
    recipe: Recipe,
    images: Mapping[str, str],
    *,
    defaults: Resources,
    walls: Containment,
    source_tree: Path | None,
    files: Mapping[str, Files] | None = None,
    image_volumes: Mapping[str, Sequence[str]] | None = None,
    warnings: Sequence[str] = (),
) -> Launch:
    """Work out every container of `deployment` from its recipe, `{service: image}`, `{service: files}` and
    `{service: VOLUMEs of its image}`."""
    network = names.network(deployment)
    hosts = network_hosts(recipe, gvisor=walls.requested is Isolation.GVISOR)
    planned = tuple(
        _planned(
            names, deployment, network, service, images[service.name], defaults, walls.requested, source_tree
        )
        for service in recipe.in_order()
    )
    planned = tuple(_sharing(names, deployment, one, hosts.get(one.service.name)) for one in planned)
    planned = tuple(_keeping(names, one, (image_volumes or {}).get(one.service.name, ())) for one in planned)
    planned = tuple(_marking_shared(one, planned) for one in planned)
    for one in planned:
        _refuse_mount_targets(recipe.source, one, (image_volumes or {}).get(one.service.name, ()))
    planned = tuple(
        replace(_finished(one, (files or {}).get(one.service.name)), recipe=recipe.source) for one in planned
    )
    writable = [
        f"{recipe.source}: services.{one.service.name}: its file system stays writable, since files of the commit are in it"
        for one in planned
        if one.service.options.read_only and not one.spec.options.read_only
    ]
    warned = (*recipe.warnings, *writable, *warnings)
    return Launch(deployment, network, planned, walls.isolation, walls.egress, warned, tuple(recipe.notes))


def _planned(
    names: Names,
    deployment: str,
    network: str,
    service: Service,
    image: str,
    defaults: Resources,
    isolation: Isolation | None,
    source_tree: Path | None,
) -> Planned:
    durable = is_durable(service)
    owner = None if durable else deployment
    spec = ContainerSpec(
        name=names.container(service.name, owner),
        image=image,
        labels=names.labels(deployment=owner, service=service.name, kind=service.kind)
        | ({MADE_FOR: deployment} if durable else {}),
        networks={network: service.names},
        environment=service.environment,
        command=service.command,
        entrypoint=service.entrypoint,
        working_dir=service.working_dir,
        user=service.user,
        port=service.port,
        mounts=[replace(m, volume=names.volume(m.volume) if m.volume else "") for m in service.mounts],
        resources=service.resources or defaults,
        restart=service.restart,
        isolation=isolation,
        source_tree=source_tree,
        options=service.options,
    )
    return Planned(service, spec, durable)


def network_hosts(recipe: Recipe, *, gvisor: bool) -> dict[str, Service]:
    """{service: the service in whose network it runs}. Raises RecipeError where that cannot be."""
    found: dict[str, Service] = {}
    for service in recipe.in_order():
        if service.network_of is None:
            continue
        host = found.get(service.network_of) or recipe.services[service.network_of]
        where = f"{recipe.source}: services.{service.name}.network_mode"
        fix = f"Remove it, and reach {host.name} by its name"
        if gvisor:
            raise RecipeError(
                f"{where}: services in gVisor cannot share a network. {fix}", service=service.name
            )
        if is_durable(service) or is_durable(host):
            problem = "a service that outlives pushes has a network of its own"
            raise RecipeError(f"{where}: {problem}. {fix}", service=service.name)
        found[service.name] = host
    return found


def _sharing(names: Names, deployment: str, planned: Planned, host: Service | None) -> Planned:
    if host is None:
        return planned
    spec = replace(planned.spec, networks={}, network_of=names.container(host.name, deployment))
    return replace(planned, spec=spec)


def _keeping(names: Names, planned: Planned, paths: Sequence[str]) -> Planned:
    """`planned`, with its image's anonymous volumes, which are removed with the container, replaced by the environment's."""
    if not planned.durable:
        return planned
    taken = {mount.path.rstrip("/") for mount in planned.spec.mounts}
    free = [path for path in paths if path.rstrip("/") not in taken]
    kept = [Mount(names.volume(anonymous(planned.service.name, path)), path) for path in free]
    return replace(planned, spec=replace(planned.spec, mounts=[*planned.spec.mounts, *kept]))


def _marking_shared(planned: Planned, everything: Sequence[Planned]) -> Planned:
    """`planned`, with the volumes marked that others may write to while it starts: a sibling, or its own version before it."""
    writers = {
        mount.volume
        for other in everything
        for mount in other.spec.mounts
        if not mount.read_only and (other is not planned or not planned.durable)
    }
    mounts = [
        replace(mount, shared=bool(mount.volume) and mount.volume in writers) for mount in planned.spec.mounts
    ]
    return replace(planned, spec=replace(planned.spec, mounts=mounts))


def _refuse_mount_targets(source: str, planned: Planned, declared: Sequence[str]) -> None:
    """Raises RecipeError. The recipe's reader, which knows the line, has refused most of it; here, whatever it comes from.

    Even to look where a mount lies, an engine follows the links of the volume around it: none is looked at that others fill."""
    service, spec = planned.service, planned.spec
    targets = [
        *(mount.path for mount in spec.mounts),
        *(tmpfs.path for tmpfs in spec.options.tmpfs),
        *(copy.target for copy in service.copies),
        *(text.target for text in service.texts),
    ]
    for target in targets:
        if problem := refused_mount_target(target):
            raise RecipeError(
                f"{source}: services.{service.name}: refused: {target} {problem}", service=service.name
            )
    shared = [mount.path for mount in spec.mounts if mount.shared]
    for target in (*targets, *declared):
        if outer := next((path for path in shared if is_inside(target, path)), None):
            raise RecipeError(
                f"{source}: services.{service.name}: refused: {target} is inside the volume at {outer}, which another container "
                "writes to. Mount it beside that one",
                service=service.name,
            )


def _finished(planned: Planned, files: Files | None) -> Planned:
    spec = replace(planned.spec, files=files)
    if files is not None and spec.options.read_only:  # an engine puts no files into what is read-only
        spec = replace(spec, options=replace(spec.options, read_only=False))
    labels = {**spec.labels, FINGERPRINT: fingerprint(planned.service, spec)}
    return replace(planned, spec=replace(spec, labels=labels))


def fingerprint(service: Service, spec: ContainerSpec) -> str:
    """Hash of what the recipe says about a container, without its name, its networks and the agent's
    defaults. The facts are listed one by one: a new field of ContainerSpec must not replace every database."""
    facts = {
        "format": FORMAT,
        "image": spec.image,
        "environment": dict(spec.environment),
        "command": spec.command,
        "entrypoint": spec.entrypoint,
        "working_dir": spec.working_dir,
        "user": spec.user,
        "mounts": [(mount.volume, mount.path, mount.read_only) for mount in spec.mounts],
        "files": spec.files.digest if spec.files else None,
        "resources": asdict(service.resources) if service.resources else None,
        "restart": spec.restart,
        "isolation": spec.isolation,
    }
    usual = asdict(Options())
    if asked := {name: value for name, value in asdict(spec.options).items() if value != usual[name]}:
        facts["options"] = asked
    if service.network_of is not None:
        facts["network_of"] = service.network_of
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=sorted).encode()).hexdigest()


def supplanted(container: Container, planned: Planned, deployment: str) -> bool:
    """Whether a deployment later than `deployment` replaced the container by one with another recipe. Ids sort by time."""
    other = container.labels.get(FINGERPRINT) != planned.spec.labels[FINGERPRINT]
    return other and container.labels.get(MADE_FOR, "") > deployment
