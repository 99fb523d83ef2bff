"""`seatrial status`: agents, projects, previews and verdicts, with their states."""

import os
from datetime import UTC, datetime

from seatrial.cli import show
from seatrial.cli.api import Json, connect
from seatrial.cli.pulls import AsJson
from seatrial.cli.terminal import Terminal, bold, document, warning
from seatrial.cli.verdicts import counted_score
from seatrial.cli.waiting import DECIDED
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted
from seatrial.wire.sizes import gigabytes
from seatrial.wire.states import DeploymentState, EnvironmentState, ResultState
from seatrial.wire.words import EventKind

MUCH = 0.8  # of what a preview may hold on the disk


def status(as_json: AsJson = False) -> None:
    """Show agents, projects, previews and the last verdicts."""
    whole: Json = connect(DataDirectory.from_environment(os.environ)).get("/status")
    if as_json:
        document(whole)
        return
    terminal = Terminal()
    platform = whole["platform"]
    terminal.line("seatrial at ", bold(platform["url"]))
    terminal.line(f"  runtime {platform['runtime'] or '-'}, sandbox {platform['sandbox'] or 'none'}")
    _waits(terminal, platform, indent=2)
    for one in whole.get("certificates", []):
        _certificate(terminal, one)
    for agent in whole["agents"]:
        terminal.line("  ", show.mark(agent["state"]), f" agent {agent['name']} {agent['state']}")
        for text in agent["warnings"]:
            terminal.line("      ", warning(text))
    for connection in whole.get("connections", []):
        for budget in connection["budgets"]:
            _budget(terminal, connection["name"], budget)
        if problem := connection.get("problem"):
            terminal.line("  ", warning(f"{connection['name']}: {problem}"))
    counts = whole["previews"]
    said = f"{counts['running']} running, {counts['in_progress']} in progress, {counts['failed']} failed"
    terminal.line(f"  previews: {said}")
    for project in whole["projects"]:
        _project(terminal, project)
    if not whole["projects"]:
        terminal.line(f"  No project yet: {typed('preview', 'PATH', '--branch', 'B')}")


def _certificate(terminal: Terminal, one: Json) -> None:
    """One that the ingress serves; where something has to be done, what."""
    bad = ResultState.FAILED if one["grave"] else "waiting"
    terminal.line("  ", show.mark(bad if one["fix"] else ResultState.PASSED), f" {one['text']}")
    if one["fix"]:
        terminal.line(f"      {one['fix']}")


def _budget(terminal: Terminal, connection: str, budget: Json) -> None:
    """How many more requests its code host accepts; nothing where it names no number and wants no pause."""
    name = f"{connection} ({budget['installation']})" if budget["installation"] else connection
    if budget["left"] is not None:
        most = f" of {budget['most']:,}" if budget["most"] else ""
        terminal.line(f"  {name} accepts {budget['left']:,}{most} more requests")
    if budget["waits_for"]:
        terminal.line(f"  {name} waits for {budget['waits_for']}")


def _project(terminal: Terminal, project: Json) -> None:
    terminal.line(bold(project["name"]))
    if drift := project.get("drift"):
        changes = counted(drift, "change")
        terminal.line(
            "  ", warning(f"{changes} in the last hour came without a webhook: {typed('deliveries', 'test')}")
        )
    _used(terminal, project["used"], project["total"])
    for environment in project["environments"]:
        _environment(terminal, environment)
    for evaluation in project["evaluations"][:5]:
        state = evaluation["state"] if evaluation["state"] in DECIDED else "waiting"
        said = f"{evaluation['state']}{counted_score(evaluation)}"
        what = "floats:" if evaluation.get("event") == EventKind.PREVIEW else "policies on"
        terminal.line("  ", show.mark(state), f" {what} {evaluation['commit'][:12]}: {said}")
        _waits(terminal, evaluation, indent=6)


def _used(terminal: Terminal, used: Json, total: Json) -> None:
    """What its previews may use of what they get; nothing while that is unknown."""
    if not used["memory_mb"]:
        return
    memory = gigabytes(used["memory_mb"]) + (
        f" of {gigabytes(total['memory_mb'])}" if total["memory_mb"] else ""
    )
    cpus = f"{used['cpus']:g}" + (f" of {total['cpus']:g}" if total["cpus"] else "")
    count = f"; there are {used['previews']} of {total['previews']}" if total.get("previews") else ""
    terminal.line(f"  previews may use {memory} GB of memory and {cpus} CPUs{count}")


def _environment(terminal: Terminal, environment: Json) -> None:
    """Print one environment; where it runs an older commit, also that the newest failed."""
    deployment = environment["deployment"] or {"state": "", "reason": ""}
    failed = deployment["state"] == DeploymentState.FAILED
    state = environment["state"]
    commit = (environment["commit"] or "")[:12]
    terminal.line("  ", show.mark(state), f" {environment['name']} {state} {commit}")
    if state == EnvironmentState.RUNNING:
        for service, url in environment["urls"].items():
            terminal.line(f"      {show.padded(service, 12)} {url}")
    if environment.get("undo_until"):
        until = datetime.fromisoformat(environment["undo_until"])
        undo = typed("undo", environment["name"])
        terminal.line(f"      can be undone until {until.astimezone():%H:%M:%S}: {undo}")
    if (disk := environment.get("disk")) and disk["used_mb"] >= MUCH * disk["most_mb"]:
        terminal.line("      ", warning(disk["text"]))
    if failed:
        terminal.line(f"      newest deployment failed: {deployment['reason']}")
    _waits(terminal, environment, indent=6)


def _waits(terminal: Terminal, one: Json, *, indent: int) -> None:
    """What it waits for and since when; nothing when it waits for nothing."""
    if not one.get("waits_for"):
        return
    since = datetime.fromisoformat(one["waiting_since"])
    seconds = max(0, round((datetime.now(UTC) - since).total_seconds()))
    lasted = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
    at = f"{since.astimezone():%H:%M:%S}"
    terminal.line(f"{' ' * indent}waits for {one['waits_for']}{place_of(one)}, since {at} ({lasted})")


def place_of(one: Json) -> str:
    """`, place 2 of 5`; nothing where nobody else waits for the same."""
    if one.get("queue_length", 0) < 2:
        return ""
    return f", place {one['queue_place']} of {one['queue_length']}"
