"""`seatrial doctor`: one line per thing that must be right, each with its fix."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import psutil
import typer

from seatrial.cli import show
from seatrial.cli.api import Json, connect
from seatrial.cli.errors import NEGATIVE, CommandError
from seatrial.cli.pulls import AsJson
from seatrial.cli.terminal import Styled, Terminal, document
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
from seatrial.wire.states import ResultState

Fix = Annotated[
    bool,
    typer.Option(
        "--fix",
        help="First mend what is safe to mend: let stopped processes go on, and end those that a killed supervisor left.",
    ),
]
TUNNEL = "/dev/net/tun"  # slirp4netns needs it to make the network of a RUN step


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fix` is shown only if something is wrong. `about` is a stable word, for scripts."""

    about: str
    well: bool
    text: str
    fix: str = ""
    grave: bool = True  # False: the platform works, only less well
    subject: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether something does not work."""
        return self.grave and not self.well

    def told(self) -> Json:
        """As JSON has it."""
        return asdict(self) | {"fix": "" if self.well else self.fix}


def doctor(as_json: AsJson = False, fix: Fix = False) -> None:
    """Check the engine, gVisor, build tools, disk, ports, the platform's processes, its agents and its connections."""
    data = DataDirectory.from_environment(os.environ)
    mended = _mended(data) if fix else []
    if as_json:
        found = list(_findings(data))
        bad = any(one.is_bad for one in found)
        document({"well": not bad, "mended": mended, "checks": [one.told() for one in found]})
    else:
        for done in mended:
            Terminal().line(f"mended: {done}")
        bad = _shown(_findings(data))
    if bad:
        raise typer.Exit(NEGATIVE)


def _mended(data: DataDirectory) -> list[str]:
    from seatrial.embedded.mending import mend  # slow, and every other command imports this module

    return mend(data)


def _shown(findings: Iterator[Finding]) -> bool:
    """Print each as soon as it is known; True if one is grave."""
    terminal = Terminal()
    bad = False
    for finding in findings:
        bad = bad or finding.is_bad
        terminal.line(_mark(finding), f" {finding.text}")
        if not finding.well and finding.fix:
            terminal.lines(finding.fix, before="    ")
    return bad


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
        yield Finding("engine", False, f"Docker Engine: {engine.problem}", fix)
        return
    yield Finding("engine", True, f"Docker Engine {engine.version} at {engine.address}")
    yield Finding(
        "gvisor",
        engine.has_gvisor,
        "gVisor (runsc) " + ("registered" if engine.has_gvisor else "is not registered: weaker isolation"),
        f"Run: {script('engine')}",
        grave=False,
    )
    if engine.runc_lets_out:
        yield Finding(
            "runc",
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
    yield Finding(
        "build_tools", not missing, text, f"Run: {script('engine')} (or apt-get install {' '.join(missing)})"
    )
    if not os.access(TUNNEL, os.R_OK | os.W_OK):
        yield Finding(
            "build_network",
            False,
            f"builds of this user have no network: {TUNNEL} cannot be opened",
            f"sudo chmod 666 {TUNNEL}, or build without: GALLEY_BUILD_NETWORK=none",
            grave=False,
        )
    yield Finding("git", shutil.which("git") is not None, "git", "Install it: apt-get install git")


def _disk(data: DataDirectory) -> Finding:
    """Enough for the platform, and for its agent to build; both count a megabyte in their own way."""
    place = next(path for path in (data.root, *data.root.parents) if path.exists())
    free = shutil.disk_usage(place).free
    least = agent_component.least_free_mb(_environment_of_agent(data))
    if free // 1024**2 < least:
        return Finding(
            "disk",
            False,
            f"disk: {free // 1024**2:,} MB free at {place}; nothing is built below {least:,} MB (GALLEY_MIN_FREE_MB)",
            f"Free some space, or lower GALLEY_MIN_FREE_MB: {typed('down')} && GALLEY_MIN_FREE_MB=N {typed('up')}",
        )
    return Finding(
        "disk",
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
                "processes",
                False,
                f"seatrial is not running, but a supervisor that was killed has left: {names}",
                f"They end within a minute. To end them at once and start seatrial again: {typed('up')}",
            )
            return
        ports = visible_ports(Choices(), remembered, os.environ)
        for port, flag in zip(ports, ("--port", "--ingress-port"), strict=True):
            taken = "" if is_free(port) else f" is taken by {holder(port) or 'another program'}"
            yield Finding(
                "port",
                not taken,
                f"port {port}{taken or ' is free'}",
                f"Choose another: {typed('up', flag, 'N')}",
            )
        yield Finding("platform", False, "seatrial is not running", f"Start it: {typed('up')}", grave=False)
        return
    if remembered:
        processes = of_platform(data, remembered)
        for process in processes:
            text = f"{process.name} {process.problem or 'runs'} (pid {process.pid})"
            yield Finding("processes", not process.problem, text, process.fix, subject=process.name)
        if any(process.problem for process in processes if process.name == "web"):
            return  # nobody to ask
        yield Finding(
            "platform", True, f"seatrial at {remembered.site_url}, previews on port {remembered.ingress_port}"
        )
    yield from _as_it_says(data)


def _as_it_says(data: DataDirectory) -> Iterator[Finding]:
    """What the control plane knows of itself, its agents and code hosts: the same as on its page Health."""
    try:
        checks: list[Json] = connect(data).get("/health/checks")
    except CommandError as error:
        yield Finding("web", False, str(error), f"See {data.logs / 'web.log'}")
        return
    logs = f"See {data.logs / 'worker.log'} and {data.logs / 'bus.log'}"
    for one in checks:
        fix = one["fix"]
        if one["about"] == "messages":
            fix = logs
        elif one["about"] == "agent" and _is_ours(data, one["subject"]):
            fix = f"See {data.logs / 'agent.log'}"
        yield Finding(one["about"], one["well"], one["text"], fix, one["grave"], one["subject"])


def _is_ours(data: DataDirectory, agent: str) -> bool:
    """Whether it is the agent that `up` starts here: only that one writes its log here."""
    remembered = read(data.platform_file)
    return bool(remembered and agent and remembered.agent == agent)
