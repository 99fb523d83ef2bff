"""Desired and observed state of preview environments.

The control plane writes one `DesiredEnvironment` per environment into the KV bucket of each agent that it is placed on;
a missing key means the environment must not exist there. The agent converges the host to it and reports events. Every event may
arrive twice, late, or after its deployment is terminal: readers decide by deployment id and state.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from seatrial.wire.envelope import Message, Part, now
from seatrial.wire.states import Isolation, ServiceKind
from seatrial.wire.words import KNOWN_FIRST, Reason, ServiceState


class Source(Part):
    """Where the code is. If `needs_credential`, the agent first asks for a source credential: see `wire.credentials`."""

    clone_url: str
    needs_credential: bool = False


class DesiredDeployment(Part):
    """One version of one environment: a commit to check out, build and start. Its recipe is at the repository's root, unless
    `recipe_folder` names another folder.

    While a candidate is `held`, it is prepared, but none of its services may start: its project has no room for them, or
    nobody has looked yet. What has once been let in is never held again. One that asks for no more than `room_cpus` and
    `room_memory_mb`, which its environment has already, need not wait: a push that changes no limits costs no time.
    `variables`: there are some, for which the agent asks before it reads the recipe: see `wire.variables`. `registries`: the id of the login
    for each registry that has one, for which the agent asks before it pulls from there: see `wire.registries`.

    `untrusted`: its code is from a fork. It runs under gVisor, with no way to private networks, or not at all. `private_networks`: the
    operator permits its project to connect to them, which an untrusted one never may.
    """

    id: str
    commit: str
    branch: str = ""
    no_cache: bool = False
    recipe_folder: str = ""
    held: bool = False
    variables: bool = False
    registries: dict[str, str] = Field(default_factory=dict)
    room_cpus: float = 0
    room_memory_mb: int = 0
    untrusted: bool = False
    private_networks: bool = False


class PreviewAddress(Part):
    """How visitors reach previews: `<scheme>://<label>.<domain>[:<port>]`."""

    scheme: str = "http"
    domain: str = "preview.localhost"
    port: int | None = None

    def hostname(self, label: str) -> str:
        """The name alone, as lists of allowed hosts want it."""
        return f"{label}.{self.domain}"

    def host(self, label: str) -> str:
        """The host name, with the port unless it is the scheme's default."""
        return self.hostname(label) + (f":{self.port}" if self.port else "")

    def url(self, label: str) -> str:
        """The address a visitor types."""
        return f"{self.scheme}://{self.host(label)}"


class DesiredEnvironment(Message):
    """What must be true of one environment on the agent's host.

    `live` must keep running and is never touched while `candidate` is built, started and checked beside it.
    Containers of any other deployment are drained for `drain_seconds`, then removed. `revision` only grows. If neither
    `live` nor `candidate` is set, the environment is leaving this agent: its deployments are drained and removed, but
    services that keep data stay until the key is deleted, because the environment may come back until then.

    If it is not `running`, nothing is built or started, and every container is stopped. Nothing that belongs to `live`
    is removed: when the environment runs again, the same containers go on with the same files and the same data. If it is
    `paused` as well, the containers are paused where they are instead, and go on in the middle of what they did.

    `callback` is the label of the host that its project registers where people sign in; empty: it has none.
    `data` counts how often the data was to be emptied: where the host has the data of another count, all containers and all
    volumes of the environment go before anything else happens. An older agent empties nothing.

    `save`: the data of what is live is to be saved as the snapshot of this id; `template`: the snapshot of which an environment
    without data begins as a copy, where it is on the host. See `wire.snapshots`.
    """

    environment: str
    name: str
    workspace: str
    project: str
    repository: str
    number: int
    revision: int
    source: Source
    address: PreviewAddress
    live: DesiredDeployment | None = None
    candidate: DesiredDeployment | None = None
    drain_seconds: float = 5.0
    running: bool = True
    paused: bool = False  # an older agent stops them
    callback: str = ""
    data: int = 0
    save: str = ""
    template: str = ""


def _kinds_habit(known: dict[str, Any]) -> bool:
    kind = known.get("kind")
    return isinstance(kind, ServiceKind) and kind.keeps_data


class ServiceFacts(Part):
    """What a service was like when its deployment became ready.

    `user` is the one that its container was given, as it was written; empty: the engine's own, which is root. None, here and for
    the image's size: the host does not know. `listening` are the TCP ports that others reach it at, None if nobody could look;
    `declared` those of its recipe and its image.
    """

    image: str = ""
    image_bytes: int | None = None
    user: str | None = None
    listening: list[int] | None = None
    declared: list[int] = Field(default_factory=list)
    restarts: int = 0
    exit_code: int | None = None


class ObservedService(Part):
    """One service of a deployment. `endpoint` is the address that Traefik connects to, None if the service is not routable.

    `keeps_data`: the service and its data on the host outlive the deployment. Without a value, its kind decides. `facts` come with
    `DeploymentReady` only.
    """

    name: str
    kind: ServiceKind
    state: Annotated[ServiceState | str, KNOWN_FIRST]
    labels: list[str] = Field(default_factory=list)
    endpoint: str | None = None
    container: str = ""
    keeps_data: bool = Field(default_factory=_kinds_habit)
    facts: ServiceFacts | None = None


class Because(Part):
    """What in a file of a commit decided something, for people."""

    file: str
    says: str


class Detected(Part):
    """The Dockerfile that was made for a commit without a recipe, and why it is like that. `title`: language and framework."""

    title: str
    reasons: list[Because] = Field(max_length=100)
    dockerfile: str = Field(max_length=64_000)


class RecipeRead(Message):
    """The agent has read the recipe of a deployment: what its services may use together, if all use what they may.

    Sent before anything is built, and again every 30 s while the candidate is held; also for a live deployment, when its
    agent learns anew what it consists of. The last one counts. `detected` None: the commit has a recipe, or an older agent speaks.
    """

    environment: str
    deployment: str
    cpus: float = Field(ge=0, le=1e6)
    memory_mb: int = Field(ge=0, le=2**31 - 1)
    detected: Detected | None = None


class DeploymentPhase(Message):
    """A phase began (`seconds` is None) or ended, `failed` or not. `phase` is its name, as `words.Phase.named` gives it."""

    environment: str
    deployment: str
    phase: str
    started_at: datetime
    seconds: float | None = None
    failed: bool = False


class DeploymentReady(Message):
    """Every service of the candidate is up and healthy, so the route may be switched to it.

    `warnings` tell what may be wrong, `notes` how previews are: nobody need act on them. An older agent sends no notes.
    """

    environment: str
    deployment: str
    services: list[ObservedService]
    isolation: Isolation
    warnings: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class DeploymentFailed(Message):
    """The candidate cannot become live. Its containers have been removed; `live` was not touched.

    `warnings` and `notes`: see `DeploymentReady`.
    """

    environment: str
    deployment: str
    reason: Annotated[Reason | str, KNOWN_FIRST]
    message: str
    service: str = ""
    log_tail: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)


class HeldOnDisk(Part):
    """Something that holds much: a file, a volume or a container's own files. `path` is where its service sees it; empty: unknown."""

    service: str = Field("", max_length=200)
    path: str = Field("", max_length=500)
    mb: int = Field(ge=0, le=2**40)


class DiskUse(Part):
    """What the files of an environment's containers and its volumes hold on their host's disk, and the most that they may.

    `largest`, the largest first: only told of one that holds much of what it may.
    """

    used_mb: int = Field(ge=0, le=2**40)
    most_mb: int = Field(gt=0, le=2**40)
    largest: list[HeldOnDisk] = Field(default_factory=list, max_length=20)


class EnvironmentObserved(Message):
    """The services of one environment that run on the agent now: sent on every change and every 30 s. `deployment` None:
    nothing is live. `streams`: how many connections of visitors have been open for a while; None: an older agent does not look.
    `disk` None: nobody has looked yet, or it may hold as much as there is.
    """

    environment: str
    revision: int
    deployment: str | None
    services: list[ObservedService] = Field(default_factory=list)
    streams: int | None = None
    disk: DiskUse | None = None
    at: datetime = Field(default_factory=now)


class EnvironmentRemoved(Message):
    """No container, network, volume, image or checkout of this environment is left on the agent's host."""

    environment: str
