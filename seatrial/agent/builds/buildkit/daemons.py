"""The BuildKit that builds, and which of a build's walls it keeps.

The engine's own puts steps on the engine's common network and runs them as root of the host, in a container. A daemon of its own
is trusted as far as it can be seen: the one that Seatrial's compose file starts is on a bridge behind the fence of previews.
"""

import re
from dataclasses import dataclass

from seatrial.agent import firewall
from seatrial.agent.builds.buildkit.buildx import DOCKER_CONTAINER, Buildx
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.containers import ContainerState
from seatrial.agent.vocabulary.errors import BuilderFailed

CONTAINER = "galley-buildkit-v2"  # the daemon of deploy/compose.yaml
ENGINE_KNOWS_HEREDOCS = (23, 0)
BUILDKIT_TAKES_LAYOUTS = (0, 11)  # base images that its client has; it knows heredocs, too
IMAGE = "moby/buildkit:v0.20.2-rootless"
BUILDKIT_SAFE = (0, 12, 5)  # closed CVE-2024-23651, -23652 and -23653: ways from a step to the host
ENGINE_SAFE = (25, 0, 2)
HOLES = "CVE-2024-23651, CVE-2024-23652 and CVE-2024-23653, ways out of a build"
NUMBER = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
SAYS_VERSION = re.compile(r"(?im)^\s*BuildKit(?: version)?:\s*(\S+)")
SAYS_STATUS = re.compile(r"(?m)^\s*Status:\s*(\S+)")
SAYS_NETWORK = re.compile(r"(?m)worker\.network:\s*(\S+)")
SAYS_PROCESSES = re.compile(r"(?m)worker\.oci\.process-mode:\s*(\S+)")
OWN_NETWORKS = {"cni", "bridge"}  # of which each step gets one


@dataclass(frozen=True)
class Daemon:
    """What is known of it. `called` is for people; `old`: it knows no heredocs; `shares_network`: steps of all builds are on one
    network; `shares_processes`: they see each other's processes, and its own. `container`: where it runs, if that is known."""

    called: str
    old: bool
    embedded: bool
    has_holes: bool = False
    shares_network: bool = True
    shares_processes: bool = False
    container: str = ""


async def look(client: Buildx, engine: Engine) -> Daemon:
    """What the daemon of `client` is. Raises BuilderFailed if it does not answer, RuntimeUnavailable."""
    if not client.daemon:
        version = (await engine.machine()).version
        known = numbers(version)
        return Daemon(
            f"the BuildKit of Docker Engine {version}",
            known < ENGINE_KNOWS_HEREDOCS,
            True,
            known < ENGINE_SAFE,
        )
    try:
        answer = await client.asked("inspect")
    except TimeoutError:
        raise BuilderFailed(unanswered(client.daemon, "no answer within a minute")) from None
    if answer.code or _said(SAYS_STATUS, answer.text) != "running":
        raise BuilderFailed(unanswered(client.daemon, "nobody listens there"))
    version = _said(SAYS_VERSION, answer.text)  # older ones say none
    known = numbers(version)
    if known < BUILDKIT_TAKES_LAYOUTS:
        raise BuilderFailed(
            f"the BuildKit at {client.daemon} (GALLEY_BUILDKIT_HOST) is older than {'.'.join(map(str, BUILDKIT_TAKES_LAYOUTS))}, so it takes no "
            f"base images from here. Update it; {IMAGE} is what deploy/compose.yaml has"
        )
    return Daemon(
        called=f"BuildKit {version} at {client.daemon}",
        old=False,
        embedded=False,
        has_holes=known < BUILDKIT_SAFE,
        shares_network=_said(SAYS_NETWORK, answer.text) not in OWN_NETWORKS,
        shares_processes=_said(SAYS_PROCESSES, answer.text) == "no-sandbox",
        container=container_of(client.daemon),
    )


def unanswered(address: str, why: str) -> str:
    """A sentence for a daemon that does not answer."""
    return (
        f"no BuildKit answers at {address} (GALLEY_BUILDKIT_HOST): {why}. Start it (docker compose --profile buildkit up -d), and look at "
        f"docker logs {container_of(address) or CONTAINER}"
    )


async def less_isolated(daemon: Daemon, network: str, engine: Engine, *, fenced: bool) -> str:
    """Why a build there would be less isolated than the settings promise, with the fix; empty if it would not be. `fenced`: the rules
    for bridges of ours stand."""
    if daemon.shares_processes:
        return (
            f"{daemon.called} runs steps without a process sandbox: they could read and end each other's, and the daemon itself. Start it "
            "without --oci-worker-no-process-sandbox"
        )
    if network == "none":
        return ""
    if daemon.embedded:
        return (
            f"GALLEY_BUILD_NETWORK={network} cannot be kept by {daemon.called}: on the engine's network, steps reach services of their host "
            "and its other containers. Set GALLEY_BUILD_NETWORK=none, or name a BuildKit of its own in GALLEY_BUILDKIT_HOST, or build with "
            "buildah (GALLEY_BUILDER=buildah)"
        )
    return await _unfenced(daemon, network, engine, fenced=fenced)


async def _unfenced(daemon: Daemon, network: str, engine: Engine, *, fenced: bool) -> str:
    fix = f"Start {CONTAINER} as deploy/compose.yaml has it, or set GALLEY_BUILD_NETWORK=none, or build with buildah (GALLEY_BUILDER=buildah)"
    told = f"GALLEY_BUILD_NETWORK={network} is not known to be kept by {daemon.called}:"
    container = await engine.containers.get(daemon.container) if daemon.container else None
    if container is None or container.state is not ContainerState.RUNNING:
        return f"{told} no container {daemon.container or CONTAINER} runs on this agent's engine. {fix}"
    networks = [await engine.networks.get(name) for name in container.addresses]
    bridges = [network.interface if network is not None else "" for network in networks]
    open_ones = [bridge for bridge in bridges if not bridge.startswith(FENCED)]
    if open_ones or not bridges or container.network_of:
        return f"{told} {daemon.container} is on a network whose bridge is not called {FENCED}..., and so behind no fence. {fix}"
    if not fenced:
        return f"{told} there are no firewall rules, which need root, iptables and GALLEY_FIREWALL. {fix}"
    return ""


FENCED = firewall.PREVIEW_INTERFACES.rstrip("+")  # how the bridges begin that the fence of previews is for


def container_of(address: str) -> str:
    """The container of the daemon at `address`; empty if it may be anywhere."""
    if address.startswith(DOCKER_CONTAINER):
        return address.removeprefix(DOCKER_CONTAINER).split("?")[0]
    return CONTAINER if address.startswith("unix://") else ""


def numbers(version: str) -> tuple[int, ...]:
    """A version as it is compared: `(20, 10, 24)`. One that says no number is taken for the oldest."""
    match = NUMBER.search(version)
    return tuple(int(part or 0) for part in match.groups()) if match else (0, 0, 0)


def _said(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""
