"""`seatrial doctor`: one line per thing that must be right, each with its fix."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psutil
import typer

from seatrial.cli import show
from seatrial.cli.api import Json, connect
from seatrial.cli.errors import NEGATIVE, CommandError
from seatrial.cli.terminal import Styled, Terminal
from seatrial.embedded import locking, orphans
from seatrial.embedded.components import agent as agent_component
from seatrial.embedded.engine import detect, packages
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.ports import holder
from seatrial.embedded.preflight import MIN_FREE_MB, Choices, visible_ports
from seatrial.embedded.processes import Records
from seatrial.embedded.remembered import read
from seatrial.embedded.typed import script, typed
from seatrial.ports import is_free
from seatrial.wire.counted import counted
from seatrial.wire.states import AgentState, Isolation, ResultState

TUNNEL = "/dev/net/tun"  # slirp4netns needs it to make the network of a RUN step


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fix` is shown only if something is wrong."""

    well: bool
    text: str
    fix: str = ""
    grave: bool = True  # False: the platform works, only less well


def doctor() -> None:
    """Check the engine, gVisor, build tools, disk, ports, the platform's processes, its agents and its connections."""
    terminal = Terminal()
    data = DataDirectory.from_environment(os.environ)
    bad = False
    for finding in _findings(data):
        bad = bad or (finding.grave and not finding.well)
        terminal.line(_mark(finding), f" {finding.text}")
        if not finding.well and finding.fix:
            terminal.lines(finding.fix, before="    ")
    if bad:
        raise typer.Exit(NEGATIVE)


def _findings(data: DataDirectory) -> Iterator[Finding]:
    """One after the other, so that the first is read while a later one still waits for an answer."""
    yield from _engine()
    yield from _tools()
    yield _disk(data)
    yield from _platform(data)


def _mark(finding: Finding) -> Styled:
    if finding.well:
        return show.mark(ResultState.PASSED)
    return show.mark(ResultState.FAILED if finding.grave else "waiting")


def _engine() -> Iterator[Finding]:
    engine = detect.ask()
    if not engine.answers:
        fix = detect.join_group(typed("doctor")) if engine.forbidden else f"Run: {script('engine')}"
        yield Finding(False, f"Docker Engine: {engine.problem}", fix)
        return
    yield Finding(True, f"Docker Engine {engine.version} at {engine.address}")
    yield Finding(
        engine.has_gvisor,
        "gVisor (runsc) " + ("registered" if engine.has_gvisor else "is not registered: weaker isolation"),
        f"Run: {script('engine')}",
        grave=False,
    )
    if engine.runc_lets_out:
        yield Finding(
            False,
            f"runc {engine.runc} may let code out of a container (CVE-2025-31133): 1.2.8 and 1.3.3 closed that",
            "Install a newer one, or see whether your distribution has fixed this one (apt changelog runc). Otherwise give previews "
            "of strangers a host of their own. Recipes and images that are known to lead there are refused",
            grave=False,
        )


def _tools() -> Iterator[Finding]:
    missing = packages.missing(packages.BUILDS)
    text = "build tools " + (
        f"missing: {', '.join(missing)}" if missing else "installed (buildah and the programs it needs)"
    )
    yield Finding(not missing, text, f"Run: {script('engine')} (or apt-get install {' '.join(missing)})")
    if not os.access(TUNNEL, os.R_OK | os.W_OK):
        yield Finding(
            False,
            f"builds of this user have no network: {TUNNEL} cannot be opened",
            f"sudo chmod 666 {TUNNEL}, or build without: GALLEY_BUILD_NETWORK=none",
            grave=False,
        )
    yield Finding(shutil.which("git") is not None, "git", "Install it: apt-get install git")


def _disk(data: DataDirectory) -> Finding:
    """Enough for the platform, and for its agent to build; both count a megabyte in their own way."""
    place = next(path for path in (data.root, *data.root.parents) if path.exists())
    free = shutil.disk_usage(place).free
    least = agent_component.least_free_mb(_environment_of_agent(data))
    if free // 1024**2 < least:
        return Finding(
            False,
            f"disk: {free // 1024**2:,} MB free at {place}; nothing is built below {least:,} MB (GALLEY_MIN_FREE_MB)",
            f"Free some space, or lower GALLEY_MIN_FREE_MB: {typed('down')} && GALLEY_MIN_FREE_MB=N {typed('up')}",
        )
    return Finding(
        free // 1_000_000 >= MIN_FREE_MB,
        f"disk: {free // 1_000_000:,} MB free at {place}",
        "Free some space, or choose another place: SEATRIAL_DATA_DIR=/some/where",
    )


def _environment_of_agent(data: DataDirectory) -> Mapping[str, str]:
    """That of the running agent, or else ours, which the next one would get."""
    record = Records(data.run).read("agent")
    process = record.find() if record else None
    if process is not None:
        with contextlib.suppress(psutil.Error):
            return process.environ()
    return os.environ


def _platform(data: DataDirectory) -> Iterator[Finding]:
    # Slow, and every other command imports this module.
    from seatrial.embedded.health import of_platform

    remembered = read(data.platform_file)
    if locking.running(data) is None:
        # The lifeline is alone only for the moment in which it ends.
        if left := [record for record in orphans.found(data) if record.name != orphans.LIFELINE]:
            names = ", ".join(f"{record.name} (pid {record.pid})" for record in left)
            yield Finding(
                False,
                f"seatrial is not running, but a supervisor that was killed has left: {names}",
                f"They end within a minute. To end them at once and start seatrial again: {typed('up')}",
            )
            return
        ports = visible_ports(Choices(), remembered, os.environ)
        for port, flag in zip(ports, ("--port", "--ingress-port"), strict=True):
            taken = "" if is_free(port) else f" is taken by {holder(port) or 'another program'}"
            yield Finding(
                not taken, f"port {port}{taken or ' is free'}", f"Choose another: {typed('up', flag, 'N')}"
            )
        yield Finding(False, "seatrial is not running", f"Start it: {typed('up')}", grave=False)
        return
    if remembered:
        processes = of_platform(data, remembered)
        for process in processes:
            text = f"{process.name} {process.problem or 'runs'} (pid {process.pid})"
            yield Finding(not process.problem, text, process.fix)
        if any(process.problem for process in processes if process.name == "web"):
            return  # nobody to ask
        yield Finding(True, f"seatrial at {remembered.site_url}, previews on port {remembered.ingress_port}")
    yield from _as_it_says(data)


def _as_it_says(data: DataDirectory) -> Iterator[Finding]:
    """Findings that the control plane and the agents report themselves."""
    try:
        status: Json = connect(data).get("/status")
    except CommandError as error:
        yield Finding(False, str(error), f"See {data.logs / 'web.log'}")
        return
    if waits_for := status["platform"].get("waits_for"):
        logs = f"{data.logs / 'worker.log'} and {data.logs / 'bus.log'}"
        yield Finding(False, f"the platform waits for {waits_for}", f"See {logs}")
    for warning in status["platform"].get("warnings", []):
        yield Finding(False, warning, grave=False)
    for one in status.get("certificates", []):
        yield Finding(not one["fix"], one["text"], one["fix"], grave=one["grave"])
    agents = [agent for agent in status["agents"] if agent["state"] != AgentState.REVOKED]
    for agent in agents:
        well = agent["state"] != AgentState.OFFLINE
        yield Finding(well, f"agent {agent['name']} is {agent['state']}", _where_to_look(data, agent))
        lines = agent.get("host") or []
        for line in lines:
            yield Finding(
                line["well"], f"agent {agent['name']}: {line['text']}", line["fix"], grave=line["grave"]
            )
        for warning in agent["warnings"]:
            if warning not in [line["text"] for line in lines]:
                yield Finding(False, f"agent {agent['name']} says: {warning}", grave=False)
    yield _sandbox(status["platform"], agents)
    for connection in status.get("connections", []):
        if problem := connection.get("problem"):
            again = typed("connect", connection["forge"], "--oauth", "--connection", connection["name"])
            yield Finding(False, f"connection {connection['name']}: {problem}", f"In a terminal: {again}")
    yield from _webhooks(status["projects"])
    with contextlib.suppress(CommandError):  # whoever asks manages none
        yield from _connections(connect(data).get("/connections"))


def _webhooks(projects: list[Json]) -> Iterator[Finding]:
    """What had to be found by asking the code host."""
    for project in projects:
        if drift := project.get("drift"):
            yield Finding(
                False,
                f"{counted(drift, 'change')} of {project['name']} came without a webhook in the last hour",
                f"Send a test: {typed('deliveries', 'test')}. See what came: {typed('deliveries', 'list')}",
                grave=False,
            )


def _connections(rows: list[Json]) -> Iterator[Finding]:
    """What keeps code hosts from being asked, or from being heard."""
    for row in rows:
        if row["base_url"] and not row["webhook_secret"]:
            fix = "Rotate one in on the connection's page: until then every webhook is rejected"
            yield Finding(False, f"{row['name']} has no webhook secret", fix)
        account = row["account"]
        if account is None:
            continue
        another = "Make another credential, and replace it on the connection's page"
        if account["problem"]:
            yield Finding(False, f"{row['name']} did not answer: {account['problem']}", grave=False)
        if account["missing"]:
            yield Finding(
                False, f"the credential of {row['name']} lacks {', '.join(account['missing'])}", another
            )
        if account["ends_soon"]:
            until = show.moment(account["expires_at"])
            yield Finding(
                False, f"the credential of {row['name']} is good until {until}", another, grave=False
            )


def _where_to_look(data: DataDirectory, agent: Json) -> str:
    """Only one agent writes its log here."""
    remembered = read(data.platform_file)
    known = remembered.agent if remembered else ""
    if agent["id"] == known or (not known and agent["name"] == agent_component.NAME):
        return f"See {data.logs / 'agent.log'}"
    return (
        "On its host, check that galley-agent runs and reaches the bus; its output says why it does not. If that host is "
        "gone for good, revoke the agent (docs/operations.md, Agents)"
    )


def _sandbox(platform: Json, agents: list[Json]) -> Finding:
    if sandbox := platform["sandbox"]:
        words = {
            Isolation.GVISOR.value: "gVisor (runsc)",
            Isolation.CONTAINER.value: "containers (runc): weaker than gVisor",
        }
        said = words.get(sandbox, f"{sandbox}: no isolation, for trying out only")
        python = f", with Python {platform['python']}" if platform.get("python") else ""
        return Finding(sandbox == Isolation.GVISOR, f"policies run in {said}{python}", grave=False)
    reasons = [warning for agent in agents for warning in agent["warnings"]]
    online = any(agent["state"] == AgentState.ONLINE for agent in agents)
    reason = "; ".join(reasons) or ("the agent does not say why" if online else "no agent is online")
    return Finding(False, f"policies cannot run now: {reason}", grave=False)
