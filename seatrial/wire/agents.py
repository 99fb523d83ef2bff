"""The messages with which an agent joins the fleet and reports that it is alive."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from seatrial.wire.envelope import Message, Part, now
from seatrial.wire.states import Isolation
from seatrial.wire.words import KNOWN_FIRST, DiskKind, HostMatter, RuntimeKind

MOST_QUEUED = 1_000
MOST_TEXT, MOST_LINES = 1_000, 30  # of what is said about a host
HEARTBEAT_SECONDS = 10.0
OFFLINE_AFTER_SECONDS = 60.0
TOKEN_PREFIX = "galley_"  # noqa: S105 (how bootstrap tokens begin)


class RegisterAgent(Part):
    """The body of POST /api/v1/agents/register. It holds public keys only: private keys never leave the agent."""

    token: str = Field(description="The bootstrap token.")
    public_key: str = Field(description="Public half of the agent's NATS user NKey, which begins with U.")
    seal_key: str = Field(description="Its X25519 public key in base64: secrets are sealed to it.")
    release: str = Field("", description="The release of the program.")


class AgentRegistered(Part):
    """The answer: the agent's id and name, the address of the bus, and the JWT that admits the agent there."""

    agent: str = Field(description="The agent's id.")
    name: str = Field(description="Its name.")
    nats_url: str = Field(description="Where the bus is.")
    user_jwt: str = Field(description="Its credential for the bus, to be used with its private key.")


class HostLine(Part):
    """One thing about an agent's host, for people. What is not `well` has its fix; if it is `grave`, something does not work."""

    about: Annotated[HostMatter | str, KNOWN_FIRST]
    well: bool
    text: str = Field(max_length=MOST_TEXT)
    fix: str = Field("", max_length=MOST_TEXT)
    grave: bool = True


class Heartbeat(Message):
    """Load and capacity of one agent, every HEARTBEAT_SECONDS."""

    release: str
    at: datetime = Field(default_factory=now)
    runtime: Annotated[RuntimeKind | str, KNOWN_FIRST] = ""
    sandbox: Isolation | None = None  # what policies run in; None: they cannot run here
    python: str = ""  # the version that they run with
    sandbox_problem: str = ""  # why no job is taken; empty while the sandbox is being prepared
    sandbox_problem_seconds: float = 0  # how long the problem has lasted, by the agent's clock
    cpus: float = 0
    memory_mb: int = 0
    disk_free_mb: int = 0
    contains_forks: bool | None = (
        None  # whether previews of forks have their walls here; None: not known yet, or by an older agent
    )
    stopping: bool = False  # the last one: somebody stopped the program
    environments: int = 0
    builds: int = 0
    builds_at_once: int = 0  # the most; 0: an older agent does not say
    sandboxes_warm: int | None = None  # that wait for an evaluation; None: an older agent does not say
    sandboxes_used: int | None = None  # in which policies run now
    # Deployments whose builds wait for their turn, the next one first; one is there once for each of its builds
    build_queue: list[str] = Field(default_factory=list, max_length=MOST_QUEUED)
    disk: dict[Annotated[DiskKind | str, KNOWN_FIRST], int] = Field(
        default_factory=dict, max_length=20
    )  # megabytes that each kind holds, as it was last looked at
    warnings: list[str] = Field(default_factory=list)
    host: list[HostLine] = Field(
        default_factory=list, max_length=MOST_LINES
    )  # of at most a minute ago; empty before the first look
