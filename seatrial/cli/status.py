"""`seatrial status`: agents, projects, previews and verdicts, with their states."""

import json
import os
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from seatrial.cli import show
from seatrial.cli.api import Json, connect
from seatrial.cli.pulls import AsJson
from seatrial.cli.waiting import DECIDED
from seatrial.embedded.layout import DataDirectory
from seatrial.wire.states import DeploymentState, EnvironmentState


def status(as_json: AsJson = False) -> None:
    """Show agents, projects, previews and the last verdicts."""
    document: Json = connect(DataDirectory.from_environment(os.environ)).get("/status")
    if as_json:
        show.document(json.dumps(document, indent=2))
        return
    console = show.console()
    platform = document["platform"]
    console.print(f"seatrial at [bold]{platform['url']}[/]")
    console.print(f"  runtime {platform['runtime'] or '-'}, sandbox {platform['sandbox'] or 'none'}")
    _waits(console, platform, indent=2)
    for agent in document["agents"]:
        console.print(f"  {show.mark(agent['state'])} agent {escape(agent['name'])} {agent['state']}")
        for warning in agent["warnings"]:
            console.print(f"      [yellow]! {escape(warning)}[/]")
    for project in document["projects"]:
        _project(console, project)
    if not document["projects"]:
        console.print("  No project yet: seatrial preview PATH --branch B")


def _project(console: Console, project: Json) -> None:
    console.print(f"[bold]{escape(project['name'])}[/]")
    for environment in project["environments"]:
        _environment(console, environment)
    for evaluation in project["evaluations"][:5]:
        score = evaluation["score"]
        counted = f", score {score:g}" if score is not None else ""
        commit = evaluation["commit"][:12]
        state = evaluation["state"] if evaluation["state"] in DECIDED else "waiting"
        console.print(f"  {show.mark(state)} policies on {commit}: {evaluation['state']}{counted}")
        _waits(console, evaluation, indent=6)


def _environment(console: Console, environment: Json) -> None:
    """Print one environment. Its state is pending if nothing of it runs; if its deployment failed, print failed instead."""
    deployment = environment["deployment"] or {"state": "", "reason": ""}
    failed = deployment["state"] == DeploymentState.FAILED
    hopeless = failed and environment["state"] == EnvironmentState.PENDING
    state = DeploymentState.FAILED if hopeless else environment["state"]
    commit = (environment["commit"] or "")[:12]
    console.print(f"  {show.mark(state)} {environment['name']} {state} {commit}")
    if state == EnvironmentState.RUNNING:
        for service, url in environment["urls"].items():
            console.print(f"      {escape(service):<12} {escape(url)}")
    if failed:
        console.print(f"      newest deployment failed: {escape(deployment['reason'])}")
    _waits(console, environment, indent=6)


def _waits(console: Console, one: Json, *, indent: int) -> None:
    """What it waits for and since when; nothing when it waits for nothing."""
    if not one.get("waits_for"):
        return
    since = datetime.fromisoformat(one["waiting_since"])
    seconds = max(0, round((datetime.now(UTC) - since).total_seconds()))
    lasted = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
    at = f"{since.astimezone():%H:%M:%S}"
    console.print(f"{' ' * indent}waits for {escape(one['waits_for'])}, since {at} ({lasted})")
