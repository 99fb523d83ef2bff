"""Reads a compose file into a Recipe."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.agent.recipes import compose_schema, graph, kinds
from seatrial.agent.recipes import compose_values as values
from seatrial.agent.recipes.compose_environment import ReadFile, ServiceEnvironment, known_values
from seatrial.agent.recipes.compose_limits import check_service, check_top_level, is_true
from seatrial.agent.recipes.compose_names import aliases, builders, tagged
from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.recipes.recipe import Build, Recipe, Service
from seatrial.agent.recipes.repository_paths import inside, join
from seatrial.agent.recipes.variables import Interpolation
from seatrial.agent.vocabulary.containers import Copy, Mount, Resources, RestartPolicy
from seatrial.agent.vocabulary.labels import KIND
from seatrial.wire.states import ServiceKind

NAME = re.compile(r"(?=.{1,40}$)[a-z0-9]+(?:(?:__?|-+)[a-z0-9]+)*")  # part of an image's name too
BUILD_REFUSED = ("additional_contexts", "dockerfile_inline", "secrets", "ssh", "privileged", "entitlements", "extra_hosts", "isolation", "ulimits")  # fmt: skip


@dataclass
class Compose:
    """Reads one document."""

    document: Document
    environment: ServiceEnvironment
    defaults: Resources
    warnings: list[str]
    given_kinds: set[str] = field(default_factory=set)

    async def recipe(self) -> Recipe:
        """The whole file. Raises RecipeError."""
        await asyncio.to_thread(compose_schema.check, self.document)
        check_top_level(self.document, self.warnings)
        entries = self.document.data.get("services")
        if not entries:
            self.document.fail(
                ("services",), "no service is described", "Describe at least one service under services"
            )
        active = self._active(entries)
        waited_for = {
            name
            for keys in active.values()
            for name in self._dependencies(keys, "service_completed_successfully")
        }
        shared = {image: active[name]["build"] for image, name in builders(active).items()}
        further = aliases(active)
        services = {}
        for name, keys in active.items():
            build = keys.get("build") or shared.get(tagged(keys.get("image") or ""))
            services[name] = await self._service(name, {**keys, "build": build}, waited_for, further[name])
        graph.check(self.document, services)
        return Recipe(self.document.file, services, tuple(self.warnings), frozenset(self.given_kinds))

    def _active(self, entries: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Services without a profile: the ones that compose starts by default."""
        active: dict[str, dict[str, Any]] = {}
        for name, keys in entries.items():
            at: Path = ("services", name)
            if not NAME.fullmatch(name):
                self.document.fail(
                    at,
                    "not a service name",
                    "Use up to 40 lower-case letters and digits, with single hyphens or underscores between",
                )
            if keys.get("profiles"):
                self.warnings.append(self.document.warning(at, "left out: it belongs to a profile"))
                continue
            active[name] = keys
        if not active:
            self.document.fail(
                ("services",), "every service belongs to a profile", "Remove profiles from one"
            )
        return active

    async def _service(
        self, name: str, keys: dict[str, Any], waited_for: set[str], further: tuple[str, ...]
    ) -> Service:
        at: Path = ("services", name)
        doc = self.document
        check_service(doc, at, keys, self.warnings)
        build = self._build((*at, "build"), keys.get("build"))
        image = None if build else keys.get("image")
        if build is None and not image:
            doc.fail(at, "says neither build nor image", "Add build: . or image: name:tag")
        ports = self._ports(at, keys)
        kind = self._kind(at, keys, image, bool(keys.get("ports") or (ports and not self._publishes())))
        mounts = values.mounts(doc, name, keys.get("volumes"), self._volumes(), self.warnings)
        return Service(
            name=name,
            kind=kind,
            build=build,
            image=str(image) if image else None,
            expose=ports[0] if ports else (kinds.default_port(str(image)) if image else None),
            command=values.words(doc, (*at, "command"), keys.get("command")),
            entrypoint=values.words(doc, (*at, "entrypoint"), keys.get("entrypoint")),
            working_dir=keys.get("working_dir"),
            user=values.text(keys["user"]) if keys.get("user") is not None else None,
            environment=await self.environment.of(at, keys),
            aliases=further,
            depends_on=tuple(self._dependencies(keys)),
            wait_for_exit=tuple(self._dependencies(keys, "service_completed_successfully")),
            restart=self._restart(at, keys, kind, name in waited_for),
            health=values.health(doc, (*at, "healthcheck"), keys.get("healthcheck")),
            image_check=not values.disabled(keys.get("healthcheck")),
            resources=values.resources(doc, at, keys, self.defaults),
            mounts=tuple(mount for mount in mounts if isinstance(mount, Mount)),
            copies=tuple(mount for mount in mounts if isinstance(mount, Copy)),
        )

    def _build(self, at: Path, value: Any) -> Build | None:
        if value is None:
            return None
        keys = {"context": value} if isinstance(value, str) else value
        for key in BUILD_REFUSED:
            if is_true(keys.get(key)):
                self.document.fail((*at, key), "not read by this release", "Remove it")
        context = inside(self.document, (*at, "context"), str(keys.get("context") or "."))
        dockerfile = str(keys.get("dockerfile") or "Dockerfile")
        inside(self.document, (*at, "dockerfile"), join(context, dockerfile))
        args = values.mapping(keys.get("args"))
        known = {
            name: self.environment.bare(name) if value is None else value for name, value in args.items()
        }
        return Build(
            path=context,
            dockerfile=dockerfile,
            target=keys.get("target"),
            args={name: values.text(value) for name, value in known.items() if value is not None},
        )

    def _ports(self, at: Path, keys: dict[str, Any]) -> list[int]:
        exposed = values.ports(self.document, (*at, "expose"), keys.get("expose"), published=False)
        published = values.ports(self.document, (*at, "ports"), keys.get("ports"), published=True)
        if any(":" in str(item) or isinstance(item, dict) for item in keys.get("ports") or []):
            self.warnings.append(
                self.document.warning(
                    (*at, "ports"), "the host's side is ignored: previews answer at their own host name"
                )
            )
        return [*published, *exposed]

    def _publishes(self) -> bool:
        """Whether any service has ports, which mark the services for visitors; then expose is for siblings only."""
        entries = self.document.data["services"].values()
        return any(keys.get("ports") and not keys.get("profiles") for keys in entries)

    def _kind(self, at: Path, keys: dict[str, Any], image: Any, listens: bool) -> ServiceKind:
        labels = values.mapping(keys.get("labels"))
        wanted = keys.get("x-galley-kind") or labels.get(KIND)
        if wanted is None:
            return kinds.infer(str(image) if image else None, listens=listens)
        if str(wanted) not in set(ServiceKind):
            self.document.fail(at, f"{wanted!r} is not a kind", f"Allowed: {', '.join(ServiceKind)}")
        self.given_kinds.add(str(at[1]))
        return ServiceKind(wanted)

    def _dependencies(self, keys: dict[str, Any], condition: str = "") -> list[str]:
        """Services to wait for, without those of a profile and optional ones that are missing."""
        value = keys.get("depends_on") or {}
        wanted = {name: {} for name in value} if isinstance(value, list) else value
        entries = self.document.data["services"]
        return [
            name
            for name, how in wanted.items()
            if condition in {"", how.get("condition")}
            and (name in entries or how.get("required", True))
            and not entries.get(name, {}).get("profiles")
        ]

    def _restart(self, at: Path, keys: dict[str, Any], kind: ServiceKind, waited_for: bool) -> RestartPolicy:
        """The file's policy; by default, services with visitors or data restart and workers run once."""
        written = values.restart(self.document, (*at, "restart"), keys.get("restart"))
        if waited_for and written in {None, RestartPolicy.UNLESS_STOPPED}:
            return RestartPolicy.NEVER
        serves = kind.routable or kind.keeps_data
        return written or (RestartPolicy.UNLESS_STOPPED if serves else RestartPolicy.NEVER)

    def _volumes(self) -> set[str]:
        """Names of top-level volumes. Raises RecipeError for one that lives outside the preview."""
        entries = self.document.data.get("volumes") or {}
        for name, keys in entries.items():
            at: Path = ("volumes", name)
            if keys and keys.get("external"):
                self.document.fail(
                    (*at, "external"), "refused: it lives outside the preview", "Remove external"
                )
            if keys and (keys.get("driver_opts") or {}).get("device"):
                self.document.fail(
                    (*at, "driver_opts"), "refused: a device is a path of the host", "Remove driver_opts"
                )
        return set(entries)


async def read(
    document: Document, read_file: ReadFile, variables: Mapping[str, str], defaults: Resources
) -> Recipe:
    """The recipe of a compose file. `variables` win over the repository's .env file. Raises RecipeError."""
    known = await known_values(read_file, variables)
    replaced = Interpolation(document, known, {}).everywhere(document.data)
    whole = Document(document.file, replaced, document.lines)
    warnings: list[str] = []
    return await Compose(
        whole, ServiceEnvironment(whole, read_file, known, warnings), defaults, warnings
    ).recipe()
