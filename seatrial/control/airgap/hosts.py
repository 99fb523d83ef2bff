"""What an agent's survey means: lines about its host."""

from collections.abc import Iterator

from seatrial import __version__
from seatrial.control.airgap import clocks
from seatrial.control.airgap.agents import Surveyed
from seatrial.control.airgap.findings import Finding, fail, ok, warn
from seatrial.wire.hosts import Attempt, HostReport, Sight
from seatrial.wire.states import Isolation

REGISTER = "sudo runsc install && sudo systemctl restart docker"
NO_AGENT = (
    "no agent is online: nothing can be built, previewed or inspected, and sandboxes cannot be looked at. Start galley-agent (its log "
    "says what it waits for), or register one: docs/operations.md, Agents"
)


def about(surveyed: Surveyed) -> Iterator[Finding]:
    """Everything about one agent, each line with its name."""
    name = surveyed.agent.name
    for finding in _lines(surveyed):
        yield Finding(finding.mark, f"agent {name}: {finding.text}")


def _lines(surveyed: Surveyed) -> Iterator[Finding]:
    report = surveyed.report
    if report is None:
        release = surveyed.agent.release or "unknown"
        yield warn(
            f"its host is not known, because {surveyed.problem} (release {release}; this is {__version__}). Upgrade it to this release, or "
            "restart it"
        )
        return
    if report.release != __version__:
        yield warn(f"it is of release {report.release}, and this is {__version__}. Use the same on all hosts")
    if surveyed.ours is not None:
        yield clocks.compared("the agent's host", report.at, surveyed.ours)
    yield from _engine(report)
    yield from _builder(report)
    if not report.engine_problem:
        yield from _sandboxes(report)
        yield from _network(report)


def _engine(report: HostReport) -> Iterator[Finding]:
    if report.engine_problem:
        yield fail(f"engine: {report.engine_problem}")
        return
    yield ok(f"engine {report.engine} answers")
    if report.runsc:
        yield ok("gVisor (runsc) is registered with the engine")
    else:
        yield warn(
            "gVisor (runsc) is not registered with the engine: policies run in ordinary containers, whose isolation is weaker. "
            f"Install it, then: {REGISTER}"
        )
    if report.sandbox_image:
        yield ok(f"image of sandboxes: {report.sandbox_image}")


def _builder(report: HostReport) -> Iterator[Finding]:
    if report.builder:
        yield ok(f"images are built with {report.builder}")
    for problem in report.builder_problems:
        yield warn(problem)


def _sandboxes(report: HostReport) -> Iterator[Finding]:
    """Whether gVisor is really what they run under, whatever is registered."""
    sight = report.sight
    if report.sight_problem:
        yield fail(f"sandboxes: {report.sight_problem}")
    if sight is None:
        return
    if sight.runtime == Isolation.GVISOR and sight.own_kernel:
        yield ok("a sandbox runs under runsc (HostConfig.Runtime), on a kernel of gVisor's own")
    elif sight.runtime == Isolation.GVISOR:
        yield fail(
            "a sandbox's HostConfig.Runtime is runsc, but its kernel is the host's: what is registered as runsc is not gVisor. "
            f"Check its path in /etc/docker/daemon.json, then: {REGISTER}"
        )
    elif report.runsc:
        yield fail(
            f"a sandbox's HostConfig.Runtime is {sight.runtime}, although runsc is registered. Restart the agent"
        )
    if report.runsc:
        others = {
            runtime: count for runtime, count in report.sandboxes.items() if runtime != Isolation.GVISOR
        }
        for runtime, count in others.items():
            yield warn(
                f"{count} of its sandboxes run under {runtime}. They end with their evaluation, and the next are under runsc"
            )


def _network(report: HostReport) -> Iterator[Finding]:
    """DNS from inside a sandbox."""
    if not report.network:
        if report.servers:
            yield warn(
                "SANDBOX_DNS is set and SANDBOX_NETWORK is not: sandboxes have no network, and nobody asks those resolvers"
            )
        elif report.sight is not None:
            yield ok(
                "DNS from inside a sandbox: not needed, because sandboxes have no network (SANDBOX_NETWORK is not set)"
            )
        return
    sight = report.beside or report.sight
    if report.beside is not None:
        yield warn(
            f"gVisor gives sandboxes no network on this host, although SANDBOX_NETWORK={report.network}: its runtimeArgs in "
            "/etc/docker/daemon.json have --network=none. What follows was seen by an ordinary container on that network"
        )
    if sight is None:
        return
    if not report.servers and report.runsc and report.beside is None:
        yield warn(
            "SANDBOX_DNS is not set: gVisor cannot use the engine's own resolver. Name your internal resolvers there"
        )
    yield from _names(report.network, sight)


def _names(network: str, sight: Sight) -> Iterator[Finding]:
    for attempt in [*sight.servers, *sight.names]:
        name, _, server = attempt.target.partition(" ")
        where = f"DNS from inside a sandbox on {network}" + (f" by {server}" if server else "")
        if attempt.problem:
            fix = f"Check that SANDBOX_DNS names your resolvers, that they know {name}, and that {network} leads to them"
            yield fail(f"{where}: {name}: {attempt.problem}. {fix}")
        else:
            yield ok(f"{where}: {name} is {', '.join(attempt.addresses)}")
    if not sight.servers and not sight.names:
        yield warn(
            f"DNS from inside a sandbox on {network}: nothing to look up, because GITLAB_URL names no host"
        )


def isolation(surveyed: Surveyed) -> Iterator[Finding]:
    """Whether something outside can be reached from the agent's host, or from where sandboxes are."""
    report = surveyed.report
    if report is None:
        return
    places: list[tuple[str, list[Attempt]]] = [(f"the host of agent {surveyed.agent.name}", report.outside)]
    seen = {"a sandbox": report.sight, f"an ordinary container on {report.network}": report.beside}
    places += [
        (f"{what} of agent {surveyed.agent.name}", sight.outside)
        for what, sight in seen.items()
        if sight is not None
    ]
    for place, attempts in places:
        yield from of_attempts(place, attempts)


def of_attempts(place: str, attempts: list[Attempt]) -> Iterator[Finding]:
    """A line for each address that accepted a connection, or one for all if none did."""
    reached = [attempt.target for attempt in attempts if not attempt.problem]
    for target in reached:
        yield fail(
            f"public internet is reachable from {place}: TCP {target} accepted a connection. This is NOT an air-gapped install."
        )
    if attempts and not reached:
        yield ok(
            f"public internet appears blocked from {place} ({', '.join(one.target for one in attempts)} are unreachable)"
        )
