"""What a compose file's model becomes: a recipe, or everything that is not allowed on a shared host."""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.agent.recipes import contexts, graph, kinds
from seatrial.agent.recipes.compose import extensions, values
from seatrial.agent.recipes.compose.limits import READ, check_build, check_service, check_top_level
from seatrial.agent.recipes.compose.marks import final, for_start, refuse_nul
from seatrial.agent.recipes.compose.mounts import Mounting
from seatrial.agent.recipes.compose.names import aliases, builders, tagged
from seatrial.agent.recipes.compose.options import options
from seatrial.agent.recipes.compose.places import Places
from seatrial.agent.recipes.compose.schema import NO_NAME, SERVICE
from seatrial.agent.recipes.document import Path
from seatrial.agent.recipes.problems import Problems
from seatrial.agent.recipes.recipe import Build, Recipe, Service
from seatrial.agent.vocabulary.containers import Resources, RestartPolicy
from seatrial.agent.vocabulary.errors import NothingToRun
from seatrial.agent.vocabulary.image_names import LIKE, is_image_name
from seatrial.agent.vocabulary.labels import KIND
from seatrial.agent.vocabulary.options import Options
from seatrial.wire.states import ServiceKind

REMOTE = re.compile(r"[a-z+]+://|git@|[\w.-]+\.git(#|$)")
AT_START = {"environment", "build"}  # whose texts are replaced once more at the start
COMPLETED = "service_completed_successfully"
HOST_PORT_IGNORED = "the host's side is ignored: previews answer at their own host name"


@dataclass
class Reading:
    """Reads one model. `environment`: every variable Compose knows; `committed`: whether the commit has a file."""

    document: Places
    environment: Mapping[str, str]
    committed: Callable[[str], bool]
    defaults: Resources
    problems: Problems
    given_kinds: set[str] = field(default_factory=set)

    def recipe(self) -> Recipe:
        """The whole model. Raises RecipeError, which lists every problem."""
        graph.check_number(self.document, len(self.document.data.get("services") or {}))
        check_top_level(self.document, self.problems)
        active = self._active()
        self.problems.raise_all()
        waited_for = {other for keys in active.values() for other in self._dependencies(keys, COMPLETED)}
        shared = {image: active[name]["build"] for image, name in builders(active).items()}
        further = aliases(active)
        services: dict[str, Service] = {}
        for name, keys in active.items():
            build = keys.get("build") or shared.get(tagged(keys.get("image") or ""))
            with self.problems.noted():
                services[name] = self._service(name, {**keys, "build": build}, waited_for, further[name])
        graph.check(self.document, services, self.problems, described=active)
        further_contexts = {name: one.build.contexts for name, one in services.items() if one.build}
        contexts.check(self.document, further_contexts, set(active), self.problems)
        self.problems.raise_all()
        return Recipe(
            self.document.file,
            services,
            tuple(self.problems.warnings),
            frozenset(self.given_kinds),
            composed=True,
            places={name: self.document.place(("services", name, "build")) for name in services},
            notes=tuple(self.problems.notes),
        )

    def _active(self) -> dict[str, dict[str, Any]]:
        """The services that run, in the files' order."""
        described = self.document.written_services()
        found = self.document.data.get("services") or {}
        active: dict[str, dict[str, Any]] = {}
        for name in sorted(found, key=self.document.order):
            at: Path = ("services", name)
            if not SERVICE.fullmatch(name):
                self.problems.add(self.document.error(at, *NO_NAME))
            with self.problems.noted():
                keys = self._final(at, found[name])
                if self._runs(at, keys):
                    active[name] = keys
        off = [name for name, keys in described.items() if name not in found and keys.get("profiles")]
        for name in off:
            said = "left out: its profile is off. COMPOSE_PROFILES in .env or a project variable turns it on"
            self.problems.warn(self.document.warning(("services", name), said))
        if not active and not self.problems.errors:
            self._nothing(off=bool(off), none=bool(found))
        return active

    def _nothing(self, *, off: bool, none: bool) -> None:
        """`off`: the profiles of some services are; `none`: others have no replicas."""
        if off:
            problem = "every service belongs to a profile" + (" or has no replicas" if none else "")
            fix = "Set COMPOSE_PROFILES in .env or in the project's variables, or remove profiles from one"
        elif none:
            problem, fix = "no service has a replica", "Give at least one service one: scale: 1"
        else:
            problem, fix = "no service is described", "Describe at least one service under services"
        self.problems.add(self.document.error(("services",), problem, fix))

    def _final(self, at: Path, keys: dict[str, Any]) -> dict[str, Any]:
        """The keys that are read or refused, their texts final where nothing more is replaced."""
        read = {key: value for key, value in keys.items() if key not in AT_START | {"labels"} and key in READ}
        others = {key: value for key, value in keys.items() if key not in READ}
        labels = {name: text for name, text in (keys.get("labels") or {}).items() if name == KIND}
        kept = {key: keys[key] for key in AT_START if key in keys}
        found: dict[str, Any] = final(self.document, {**read, "labels": labels}, at)
        return {**others, **found, **kept}

    def _runs(self, at: Path, keys: dict[str, Any]) -> bool:
        """Whether it has a replica."""
        replicas = (keys.get("deploy") or {}).get("replicas")
        count = keys.get("scale", 1) if replicas is None else replicas
        if count == 0:
            self.problems.warn(self.document.warning(at, "left out: it has no replicas"))
        elif count != 1:
            key = ("scale",) if replicas is None else ("deploy", "replicas")
            self.problems.warn(self.document.warning((*at, *key), "ignored: one container runs per service"))
        return bool(count != 0)

    def _service(
        self, name: str, keys: dict[str, Any], waited_for: set[str], further: tuple[str, ...]
    ) -> Service:
        at: Path = ("services", name)
        doc, read = self.document, self.problems.noted_in
        check_service(doc, at, keys, self.problems)
        extensions.check(doc, at, doc.written_services().get(name, {}), self.problems)
        build = read(lambda: self._build((*at, "build"), keys.get("build")), None)
        image = None if keys.get("build") else read(lambda: self._image(at, keys), None)
        ports = read(lambda: self._ports(at, keys), tuple[int, ...]())
        listens = bool(keys.get("ports") or (ports and not self._publishes()))
        kind = read(lambda: self._kind(at, keys, image, listens), ServiceKind.OTHER)
        mounted = Mounting(doc, self.environment, self.committed, self.problems).of(at, keys)
        mode = str(keys.get("network_mode") or "")
        return Service(
            name=name,
            kind=kind,
            build=build,
            image=image,
            ports=ports or kinds.default_ports(image or ""),
            command=values.words(keys.get("command")),
            entrypoint=values.words(keys.get("entrypoint")),
            working_dir=keys.get("working_dir") or None,
            user=str(keys["user"]) if keys.get("user") else None,
            environment=read(lambda: self._environment(at, keys), dict[str, str]()),
            aliases=further,
            depends_on=tuple(self._dependencies(keys)),
            wait_for_exit=tuple(self._dependencies(keys, COMPLETED)),
            restart=read(lambda: self._restart(at, keys, kind, name in waited_for), RestartPolicy.NEVER),
            health=read(lambda: values.health(doc, (*at, "healthcheck"), keys.get("healthcheck")), None),
            image_check=not values.disabled(keys.get("healthcheck")),
            resources=read(lambda: values.resources(doc, at, keys, self.defaults), None),
            mounts=tuple(mounted.mounts),
            copies=tuple(mounted.copies),
            texts=tuple(mounted.texts),
            options=read(lambda: options(doc, at, keys, mounted.tmpfs, self.problems), Options()),
            migrate=read(lambda: extensions.command(doc, (*at, extensions.MIGRATE)), None),
            seed=read(lambda: extensions.command(doc, (*at, extensions.SEED)), None),
            network_of=mode.removeprefix("service:") if mode.startswith("service:") else None,
        )

    def _image(self, at: Path, keys: dict[str, Any]) -> str | None:
        name = str(keys.get("image") or "")
        if not name and keys.get("provider"):  # which is refused
            return None
        if not name and not self.document.without_value((*at, "image")):
            fix = "Add build: . or image: name:tag"
            raise self.document.error(at, "says neither build nor image", fix, NothingToRun)
        if not is_image_name(name):
            self.document.fail((*at, "image"), f"{name!r} is not an image's name", LIKE)
        return name

    def _environment(self, at: Path, keys: dict[str, Any]) -> dict[str, str]:
        """In the form that is replaced once more at the start. A name without a value stays unset."""
        given = keys.get("environment") or {}
        for name, text in given.items():
            refuse_nul(self.document, f"{name}{text}", (*at, "environment", name))
        return {
            name.replace("$$", "$"): for_start(text)
            for name, text in given.items()
            if name and text is not None
        }

    def _build(self, at: Path, keys: dict[str, Any] | None) -> Build | None:
        if keys is None:
            return None
        check_build(self.document, at, keys, self.problems)
        own = {
            key: value
            for key, value in keys.items()
            if key in {"context", "dockerfile", "dockerfile_inline", "target", contexts.KEY}
        }
        read: dict[str, Any] = final(self.document, own, at)
        context = self._path((*at, "context"), str(read.get("context") or "."))
        args = {
            name.replace("$$", "$"): for_start(str(text))
            for name, text in (keys.get("args") or {}).items()
            if text is not None
        }
        target = read.get("target") or None
        others = contexts.read(
            self.document, (*at, contexts.KEY), read.get(contexts.KEY) or {}, self._path, self.problems
        )
        if inline := read.get("dockerfile_inline"):
            return Build(
                path=context, dockerfile_inline=str(inline), target=target, args=args, contexts=others
            )
        dockerfile = str(read.get("dockerfile") or "Dockerfile")
        self._path(
            (*at, "dockerfile"), f"{read['context']}/{dockerfile}" if dockerfile[:1] != "/" else dockerfile
        )
        if dockerfile.startswith("/"):
            dockerfile = relative_to(context, values.in_repository(dockerfile) or "")
        return Build(path=context, dockerfile=dockerfile, target=target, args=args, contexts=others)

    def _path(self, at: Path, path: str) -> str:
        """A path of a build, relative to the repository's root."""
        said = self.document.written(at)
        if not isinstance(said, str):
            said = self.document.written(at[:-1])
        shown = said if isinstance(said, str) else path
        if REMOTE.match(path):
            self.document.fail(
                at, f"{shown} is a remote address", "Only folders of this repository can be built"
            )
        found = values.in_repository(path)
        if found is None:
            self.document.fail(
                at, f"{shown} is outside the repository", "Give a path below the repository's root"
            )
        return found

    def _ports(self, at: Path, keys: dict[str, Any]) -> tuple[int, ...]:
        published = values.published(self.document, (*at, "ports"), keys.get("ports") or [])
        exposed = values.exposed(self.document, (*at, "expose"), keys.get("expose") or [])
        if any(entry.get("published") for entry in keys.get("ports") or []):
            self.problems.inform(self.document.warning((*at, "ports"), HOST_PORT_IGNORED))
        return tuple(dict.fromkeys([*published, *exposed]))

    def _publishes(self) -> bool:
        """Whether the file says, by ports, which services are for visitors; then expose is for siblings only."""
        return any(keys.get("ports") for keys in self.document.data["services"].values())

    def _kind(self, at: Path, keys: dict[str, Any], image: str | None, listens: bool) -> ServiceKind:
        own = self.document.written((*at, extensions.KIND))  # Compose leaves extensions out
        wanted = own or keys["labels"].get(KIND)
        if wanted is None:
            return kinds.infer(image, listens=listens)
        if str(wanted) not in set(ServiceKind):
            self.document.fail(at, f"{wanted!r} is not a kind", f"Allowed: {', '.join(ServiceKind)}")
        self.given_kinds.add(str(at[1]))
        return ServiceKind(wanted)

    def _dependencies(self, keys: dict[str, Any], condition: str = "") -> list[str]:
        """Services to wait for, without those that do not run and optional ones that are missing."""
        described = self.document.written_services()
        running = {name for name, other in self.document.data["services"].items() if has_replicas(other)}
        return [
            name
            for name, how in (keys.get("depends_on") or {}).items()
            if condition in {"", how.get("condition")}
            and (name in running or (how.get("required", True) and name not in described))
        ]

    def _restart(self, at: Path, keys: dict[str, Any], kind: ServiceKind, waited_for: bool) -> RestartPolicy:
        """The file's policy; by default, services with visitors or data restart and workers run once."""
        written = values.restart(self.document, at, keys)
        attempts = ((keys.get("deploy") or {}).get("restart_policy") or {}).get("max_attempts")
        if ":" in str(keys.get("restart")) or attempts:
            said = "it is started again however often it fails: attempts are not counted"
            self.problems.inform(self.document.warning((*at, "restart"), said))
        if waited_for and written in {None, RestartPolicy.UNLESS_STOPPED}:
            return RestartPolicy.NEVER
        serves = kind.routable or kind.keeps_data
        return written or (RestartPolicy.UNLESS_STOPPED if serves else RestartPolicy.NEVER)


def has_replicas(keys: Mapping[str, Any]) -> bool:
    """Whether the service is started at all."""
    replicas = (keys.get("deploy") or {}).get("replicas")
    return bool((keys.get("scale", 1) if replicas is None else replicas) != 0)


def relative_to(folder: str, path: str) -> str:
    """`path` of the repository, as seen from `folder`."""
    return posixpath.relpath(path, folder)
