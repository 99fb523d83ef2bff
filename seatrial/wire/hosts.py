"""What the control plane asks an agent about its host, and the answer: a *survey*.

`AskHost` is a plain NATS message to `subjects.ask_host`, and is stored nowhere. Its reply subject is one below the agent's own
(`subjects.host_answer`), where an agent may write with the permissions that it has always had. An agent answers each question at most
once, within ANSWER_SECONDS; nobody retries, because a person asks. An agent of an earlier release does not listen there, and the bus
says so at once.

A question names few things and an answer tells of nothing else. Where to look for a way out is not in the question: else whoever
speaks for the control plane could have any address tried.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from seatrial.wire.envelope import Message, Part, now

ANSWER_SECONDS = 100.0  # two lookouts on a host with much to do
MOST_NAMES = 4
MOST_TEXT = 500  # characters of what another program said
# Well known, in several networks: one that accepts a connection is proof of a way out.
OUTSIDE = (
    ("www.google.com", 443),
    ("8.8.8.8", 443),
    ("1.1.1.1", 443),
    ("2606:4700:4700::1111", 443),
)
OUTSIDE_SECONDS = 3.0

Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$", max_length=253)
]


def address(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class AskHost(Message):
    """Request a survey: whether `names` resolve in a sandbox, and, if `outside`, whether anything of OUTSIDE can be reached."""

    names: list[Name] = Field(default_factory=list, max_length=MOST_NAMES)
    outside: bool = False


class Attempt(Part):
    """One thing that was tried. `problem` is empty if it worked; `addresses` are those of a name."""

    target: str
    problem: str = ""
    addresses: list[str] = Field(default_factory=list)


class Sight(Part):
    """What a lookout saw: a sandbox for a moment, with the same walls as those of policies.

    `runtime` is what the engine says that it runs it with (`HostConfig.Runtime`); `own_kernel`: the kernel in it is not the host's,
    as gVisor's is not. `networked`: it has an interface beside the loopback. `servers` are those of SANDBOX_DNS.
    """

    runtime: str
    own_kernel: bool = False
    networked: bool = False
    servers: list[Attempt] = Field(default_factory=list)
    names: list[Attempt] = Field(default_factory=list)
    outside: list[Attempt] = Field(default_factory=list)


class HostReport(Message):
    """The survey. A problem is a sentence for people; it is empty where there is none.

    `engine` is empty if there is none. `sandboxes` counts the sandboxes that are there now by their runtime. `sight` is None if no
    lookout could be started, for the reason in `sight_problem`. `beside` is what an ordinary container saw on the same network;
    it is there only if SANDBOX_NETWORK is set and the sandbox has no network, because of how gVisor is set up. `outside` was tried
    by the agent itself, from its host.
    """

    release: str
    at: datetime = Field(default_factory=now)
    engine: str = ""
    engine_problem: str = ""
    runsc: bool = False
    sandbox_image: str = ""  # empty: it is not on the host
    sandboxes: dict[str, int] = Field(default_factory=dict)
    builder: str = ""  # what builds images; empty: an agent of an earlier release does not say
    builder_problems: list[str] = Field(default_factory=list)
    network: str = ""  # SANDBOX_NETWORK
    servers: list[str] = Field(default_factory=list)  # SANDBOX_DNS
    sight: Sight | None = None
    sight_problem: str = ""
    beside: Sight | None = None
    outside: list[Attempt] = Field(default_factory=list)
