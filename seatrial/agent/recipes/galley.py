"""galley.yml, version 1: the schema, and its errors in terms of file, line and key."""

import posixpath
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from seatrial.agent.recipes import contexts, graph, kinds
from seatrial.agent.recipes.document import Document, Path, with_nul
from seatrial.agent.recipes.problems import Problems
from seatrial.agent.recipes.recipe import Build, Recipe, Service
from seatrial.agent.recipes.repository_paths import inside
from seatrial.agent.vocabulary import quantities
from seatrial.agent.vocabulary.containers import HealthCheck, Resources, RestartPolicy
from seatrial.agent.vocabulary.errors import RecipeError
from seatrial.agent.vocabulary.image_names import LIKE, is_image_name
from seatrial.agent.vocabulary.unfit import Unfit
from seatrial.wire.states import ServiceKind

NAME = r"^[a-z][a-z0-9-]{0,39}$"
SYNONYMS = {"always": RestartPolicy.UNLESS_STOPPED, "no": RestartPolicy.NEVER}

COMPOSE_WORDS = {
    "command": "Write build: {start: ...}",
    "entrypoint": "Write build: {start: ...}",
    "environment": "Write env:",
    "env_file": "Write the values below env:",
    "ports": "Write expose: with the port inside the container",
    "healthcheck": "Write health: {path: /}",
    "dockerfile": "Write build: {dockerfile: ...}",
    "volumes": "Remove it: a database, cache or queue keeps its data by its kind",
}

Text = Annotated[str, StringConstraints(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
# What a person may write is wider than what comes of it; the published schema says the former.
Megabytes = Annotated[int, BeforeValidator(quantities.megabytes, json_schema_input_type=str | int)]
Seconds = Annotated[float, BeforeValidator(quantities.seconds, json_schema_input_type=str | float)]
Cpus = Annotated[float, BeforeValidator(quantities.cpus, json_schema_input_type=str | float)]


def command_of(value: object) -> object:
    """A list as it is; a string split into words, or given to a shell if it uses shell syntax."""
    if not isinstance(value, str):
        return value
    if any(character in value for character in "|&;<>$`*?(){}\n~#"):
        return ["sh", "-c", value]
    try:
        return shlex.split(value)
    except ValueError as error:
        raise Unfit(f"{value!r} cannot be split into words: {error}", "Close the quote") from error


def text_of(value: object) -> object:
    """Environment values as text: numbers and booleans as YAML writes them, null as the empty string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return "" if value is None else value


def restart_of(value: object) -> RestartPolicy:
    """One of our three policies; YAML 1.1 writers mean `"no"` by a bare no."""
    text = RestartPolicy.NEVER if value is False else str(value)
    if text in SYNONYMS:
        return SYNONYMS[text]
    try:
        return RestartPolicy(text)
    except ValueError:
        allowed = ", ".join(RestartPolicy)
        raise Unfit(f"{text!r} is not a restart policy", f"Allowed: {allowed}") from None


Command = Annotated[list[str], BeforeValidator(command_of, json_schema_input_type=str | list[str])]
SaidWords = Annotated[str, StringConstraints(pattern=r"\S")] | Annotated[list[str], Field(min_length=1)]
Words = Annotated[
    list[str], BeforeValidator(command_of, json_schema_input_type=SaidWords), Field(min_length=1)
]
Value = Annotated[str, BeforeValidator(text_of, json_schema_input_type=str | float | bool | None)]


class Strict(BaseModel):
    """A model in which unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BuildKeys(Strict):
    """The keys of `build:`. A plain string stands for the path."""

    path: Text = Field(".", description="the folder that is built")
    dockerfile: Text = Field("Dockerfile", description="relative to `path`")
    target: Text | None = Field(None, description="the stage to build; by default the last")
    args: dict[str, Value] = Field(
        default_factory=dict, description="build arguments; `${NAME}` is replaced as in `env`"
    )
    additional_contexts: dict[str, Text] = Field(
        default_factory=dict,
        description="further contexts by name, for `FROM name` and `COPY --from=name`: a folder, `docker-image://name:tag`, "
        "or `service:name` for the image of another service",
    )
    command: Text | None = Field(None, description="ignored with a warning: the Dockerfile says how to build")
    start: Command | None = Field(
        None, description="the command to run instead of the image's own entrypoint"
    )


class HealthKeys(Strict):
    """The keys of `health:`: an HTTP path that must answer with a status."""

    path: Annotated[str, StringConstraints(pattern=r"^/")] = Field(
        "/", description="the path that is requested on the service's port"
    )
    status: Annotated[int, Field(ge=100, le=599)] = Field(
        200, description="the only status that counts as healthy"
    )
    timeout: Seconds = Field(60.0, description="how long a start may take, like `90s` or `1m30s`")


class ResourceKeys(Strict):
    """The keys of `resources:`."""

    cpus: Cpus | None = Field(None, description="like `0.5`; by default the agent's `GALLEY_DEFAULT_CPUS`")
    memory: Megabytes | None = Field(
        None, description="like `512m` or `1g`; by default the agent's `GALLEY_DEFAULT_MEMORY`"
    )


class ServiceKeys(Strict):
    """One entry of `services:`."""

    kind: ServiceKind | None = Field(
        None,
        description=f"{', '.join(ServiceKind)}; by default inferred from the image's name, else web with `expose`, else worker",
    )
    build: Annotated[
        BuildKeys | None,
        BeforeValidator(
            lambda v: {"path": v} if isinstance(v, str) else v, json_schema_input_type=BuildKeys | Text | None
        ),
    ] = Field(
        None,
        description="how its image is built, or only the folder; used instead of `image` if both are given",
    )
    image: Text | None = Field(None, description="the image that is pulled, such as `postgres:17`")
    expose: Port | None = Field(
        None,
        description="the port inside the container; by default the image's EXPOSE, else the port on which it listens",
    )
    env: dict[str, Value] = Field(
        default_factory=dict, description="`${NAME}` and `${NAME:-default}` are replaced; `$$` is a dollar"
    )
    depends_on: list[str] = Field(
        default_factory=list, description="services that must be healthy before it starts"
    )
    restart: Annotated[
        RestartPolicy,
        BeforeValidator(
            restart_of, json_schema_input_type=RestartPolicy | Literal["always", "no"] | Literal[False]
        ),
    ] = Field(
        RestartPolicy.UNLESS_STOPPED,
        description="or `on-failure` or `never`, with which ending with exit code 0 is a success",
    )
    ephemeral: bool = Field(False, description="for a database, cache or queue: it begins empty at each push")
    health: HealthKeys | None = Field(
        None,
        description="what must answer before visitors come; by default the image's own check, else one that suits its kind",
    )
    migrate: Words | None = Field(
        None, description="a command, run in its image at each deployment before it starts"
    )
    seed: Words | None = Field(
        None, description="a command, run in its image once for the data of each preview, after `migrate`"
    )
    resources: ResourceKeys | None = Field(
        None, description="its limits; at most what the agent gives a service"
    )


class File(Strict):
    """The keys of the whole file."""

    version: Literal[1]
    services: Annotated[
        dict[Annotated[str, StringConstraints(pattern=NAME)], ServiceKeys], Field(min_length=1)
    ]


def read(document: Document, defaults: Resources) -> Recipe:
    """The recipe of a galley.yml. Raises RecipeError that names every problem."""
    problems = Problems()
    holds = "holds a NUL character"
    problems.add(*(document.error(path, holds, "Remove it") for path in with_nul(document.data)))
    file = fitting(document, problems)
    services = {
        name: service_of(document, name, keys, defaults, problems) for name, keys in file.services.items()
    }
    graph.check(document, services, problems, described=named_in(document))
    further = {name: one.build.contexts for name, one in services.items() if one.build}
    contexts.check(document, further, named_in(document), problems)
    problems.raise_all()
    named = frozenset(name for name, keys in file.services.items() if keys.kind)
    places = {name: document.place(("services", name, "build")) for name in services}
    return Recipe(document.file, services, tuple(problems.warnings), named, places=places)


def fitting(document: Document, problems: Problems) -> File:
    """What of the file fits the schema. What does not is noted and left out, so that the rest can be checked, too.

    Raises RecipeError if nothing is left.
    """
    try:
        return File.model_validate(document.data)
    except ValidationError as error:
        wrong = error.errors()
    if any(one["type"] == "extra_forbidden" and len(one["loc"]) == 1 for one in wrong):
        wrong = [one for one in wrong if one["type"] != "missing" or one["loc"] != ("services",)]
    problems.add(*(explained(document, one) for one in wrong))
    rest = document.without(place_of(one) for one in wrong)
    try:
        return File.model_validate({**rest, "version": 1})
    except ValidationError:
        problems.raise_all()
        raise


def named_in(document: Document) -> list[str]:
    """Every service that the file describes, whether or not it can be read."""
    services = document.data.get("services")
    return list(services) if isinstance(services, dict) else []


def place_of(error: ErrorDetails) -> Path:
    """Where the wrong value is in the file."""
    return tuple(part for part in error["loc"] if part not in {"[key]", "str"})


def service_of(
    document: Document, name: str, keys: ServiceKeys, defaults: Resources, problems: Problems
) -> Service:
    """One service. `build` wins over `image`."""
    at: Path = ("services", name)
    written = document.data["services"][name]
    if not {"build", "image"} & written.keys():
        problems.add(
            document.error(at, "says neither build nor image", "Add build: {path: .} or image: name:tag")
        )
    if keys.build and keys.build.command:
        problems.warn(
            document.warning((*at, "build", "command"), "ignored: the Dockerfile says how to build")
        )
    image = None if keys.build else keys.image
    if image and not is_image_name(image):
        problems.add(document.error((*at, "image"), f"{image!r} is not an image's name", LIKE))
    if keys.kind is None and image and kinds.of_image(image):
        problems.warn(
            document.warning(
                at, f"kind {kinds.of_image(image)} inferred from the image's name; set kind: to be sure"
            )
        )
    return Service(
        name=name,
        kind=keys.kind or kinds.infer(image, listens=keys.expose is not None),
        build=build_of(document, at, keys.build, problems),
        image=image,
        ports=(keys.expose,) if keys.expose else kinds.default_ports(image or ""),
        entrypoint=tuple(keys.build.start) if keys.build and keys.build.start else None,
        environment=dict(keys.env),
        depends_on=tuple(keys.depends_on),
        restart=keys.restart,
        ephemeral=keys.ephemeral,
        health=health_of(keys.health, keys.expose),
        resources=resources_of(keys.resources, defaults),
        migrate=tuple(keys.migrate) if keys.migrate else None,
        seed=tuple(keys.seed) if keys.seed else None,
    )


def build_of(document: Document, at: Path, keys: BuildKeys | None, problems: Problems) -> Build | None:
    """The build, its paths checked."""
    if keys is None:
        return None
    base = posixpath.dirname(document.file)
    path = dockerfile = ""

    def folder(where: Path, written: str) -> str:
        return inside(document, where, written, base=base)

    with problems.noted():
        path = inside(document, (*at, "build", "path"), keys.path, base=base)
    with problems.noted():
        dockerfile = inside(document, (*at, "build", "dockerfile"), keys.dockerfile)
    return Build(
        path=path,
        dockerfile=dockerfile,
        target=keys.target,
        args=dict(keys.args),
        contexts=contexts.read(
            document, (*at, "build", contexts.KEY), keys.additional_contexts, folder, problems
        ),
    )


def health_of(keys: HealthKeys | None, port: int | None) -> HealthCheck | None:
    """The check, or None for the default of the service's kind."""
    if keys is None:
        return None
    return HealthCheck(http_path=keys.path, status=keys.status, port=port, timeout_seconds=keys.timeout)


def resources_of(keys: ResourceKeys | None, defaults: Resources) -> Resources | None:
    """The limits, with missing values taken from `defaults`; None if there are none."""
    if keys is None or (keys.cpus is None and keys.memory is None):
        return None
    return Resources(keys.cpus or defaults.cpus, keys.memory or defaults.memory_mb, defaults.pids)


def explained(document: Document, error: ErrorDetails) -> RecipeError:
    """One of pydantic's complaints in our form."""
    path = place_of(error)
    kind = error["type"]
    if kind == "extra_forbidden":
        if len(path) == 3 and path[2] in COMPOSE_WORDS:
            return document.error(path, "unknown key", COMPOSE_WORDS[str(path[2])])
        return document.unknown(path, allowed_at(path))
    if kind == "missing" and path != ("version",):
        return document.error(path[:-1], f"{path[-1]} is missing", f"Add {path[-1]}:")
    return document.error(path if kind != "missing" else (), *complaint(path, error))


def complaint(path: Path, error: ErrorDetails) -> tuple[str, str]:
    """(problem, fix) for a value that is there and wrong, or for a missing version."""
    kind, said = error["type"], error["msg"]
    if kind == "missing":
        return "version is missing", "Add version: 1 as the first line"
    if path == ("version",):
        return f"{error['input']!r} is not a version this release reads", "Write version: 1"
    if kind == "string_pattern_mismatch" and "[key]" in error["loc"]:
        return "not a service name", "Use a letter, then up to 39 lower-case letters, digits and hyphens"
    context = error.get("ctx", {})
    if isinstance(unfit := context.get("error"), Unfit):
        return unfit.problem, unfit.fix
    return wrong_type(kind, error["input"], said, context)


def wrong_type(kind: str, given: Any, said: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """(problem, fix) for a value of the wrong type or range."""
    wanted = {
        "dict_type": "a map (key: value)", "model_type": "a map (key: value)", "list_type": "a list (- item)",
        "string_type": "text", "int_parsing": "a whole number", "int_type": "a whole number",
        "bool_parsing": "true or false", "bool_type": "true or false", "string_too_short": "text that is not empty",
        "enum": f"one of {', '.join(ServiceKind)}", "too_short": "at least one entry",
        "greater_than_equal": f"at least {context.get('ge')}", "less_than_equal": f"at most {context.get('le')}",
        "string_pattern_mismatch": "a path that starts with /", "int_from_float": "a whole number",
        "model_attributes_type": "a map (key: value)",
    }.get(kind)  # fmt: skip
    shown = "nothing" if given is None else repr(given)
    if wanted is None:
        return (f"{shown} does not fit: {said}", "Correct it")
    return (f"expected {wanted}, found {shown[:60]}", "Correct it")


def allowed_at(path: Path) -> set[str]:
    """The keys known where `path` ends."""
    section: dict[str, type[Strict]] = {"build": BuildKeys, "health": HealthKeys, "resources": ResourceKeys}
    if len(path) == 1:
        return set(File.model_fields)
    if len(path) == 3:
        return set(ServiceKeys.model_fields)
    keys = section.get(str(path[2]))
    return set(keys.model_fields) if keys else set()
