"""`seatrial preview`, `seatrial check`, `seatrial close`: a branch of a local repository, as a pull request."""

import contextlib
import json
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from seatrial.cli import show
from seatrial.cli.api import Api, Conflict, Json, connect
from seatrial.cli.errors import NEGATIVE, USAGE, CommandError, Interrupted
from seatrial.cli.phases import Phases
from seatrial.cli.repository import Head, read_head
from seatrial.cli.verdicts import print_evaluation
from seatrial.cli.waiting import Deployment, Evaluation, Removal, newest_environment, until
from seatrial.embedded.layout import DataDirectory
from seatrial.wire.states import DeploymentState, EvaluationState, Isolation

Repository = Annotated[Path, typer.Argument(metavar="PATH", help="A git repository on this machine.")]
Branch = Annotated[str | None, typer.Option("--branch", help="Default: the branch that is checked out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


def preview(path: Repository, branch: Branch = None, as_json: AsJson = False) -> None:
    """Build and start the branch, and wait until its preview answers. Run it again after a commit."""
    console = show.console(json=as_json)
    head, api = _begin(path, branch, console, "preview")
    console.print(f"Preview of [bold]{escape(head.path.name)}[/] {escape(head.branch)} at {head.commit[:12]}")
    pull = open_pull(api, head)
    try:
        retry_if_over(api, pull)
        with Phases(console) as phases:
            environment = Deployment(api, pull, phases).wait()
    except KeyboardInterrupt:
        close_it = shlex.join(["seatrial", "close", str(head.path), "--branch", head.branch])
        raise Interrupted(f"the preview is still being prepared. Stop it: {close_it}") from None
    if as_json:
        show.document(json.dumps(environment, indent=2))
    else:
        print_environment(console, environment)
    if environment["deployment"]["state"] != DeploymentState.LIVE:
        raise typer.Exit(NEGATIVE)


def check(path: Repository, branch: Branch = None, as_json: AsJson = False) -> None:
    """Run the policies on the branch's newest commit, in the sandbox. Exit code 0: passed, 1: not."""
    console = show.console(json=as_json)
    head, api = _begin(path, branch, console, "check")
    project = register(api, head)
    body = {"commit": head.commit, "ref": f"refs/heads/{head.branch}"}
    evaluation = until(lambda: api.post(f"/projects/{project['id']}/evaluations", body))
    console.print(f"Check of [bold]{escape(head.path.name)}[/] {escape(head.branch)} at {head.commit[:12]}")
    try:
        with Phases(console) as phases:
            decided = Evaluation(api, evaluation["id"], phases).wait()
    except KeyboardInterrupt:
        raise Interrupted("the evaluation continues and ends by itself. See it: seatrial status") from None
    if as_json:
        show.document(json.dumps(decided, indent=2))
    else:
        print_evaluation(console, decided)
    _leave(decided)


def _leave(evaluation: Json) -> None:
    if evaluation["state"] == EvaluationState.PASSED:
        return
    # Without any result nothing was judged: the platform failed, not the repository.
    raise typer.Exit(NEGATIVE if evaluation.get("results") else USAGE)


def close(path: Repository, branch: Branch = None) -> None:
    """Close the branch's pull request: everything of its preview is removed."""
    console = show.console()
    api = connect(DataDirectory.from_environment(os.environ))
    head = read_head(path, branch)
    project = register(api, head)
    body = {"project": project["id"], "branch": head.branch}
    pull = until(lambda: api.post("/local/pulls/close", body))
    console.print(
        f"Closed pull request {pull['number']} of [bold]{escape(head.path.name)}[/] {escape(head.branch)}"
    )
    try:
        with Phases(console) as phases:
            gone = Removal(api, pull, phases).wait()
    except KeyboardInterrupt:
        raise Interrupted("the preview is still being removed. See it: seatrial status") from None
    if not gone:
        console.print(
            "  [yellow]! its preview is still being removed; is the agent online?[/] seatrial status"
        )


def _begin(path: Path, branch: str | None, console: Console, what: str) -> tuple[Head, Api]:
    """Check the repository first, because the user must fix its problems, then connect to the platform."""
    head = read_head(path, branch)
    api = connect(DataDirectory.from_environment(os.environ))
    if head.dirty:
        console.print(f"[yellow]! uncommitted changes are not part of the {what}[/]")
    if head.folder:
        console.print(
            f"[yellow]! the {what} is of the whole repository, not only of {escape(head.folder)}[/]"
        )
    return head, api


def register(api: Api, head: Head) -> Json:
    """The project of the repository, created if it is missing."""
    project: Json = until(lambda: api.post("/local/projects", {"path": str(head.path)}))
    return project


def open_pull(api: Api, head: Head) -> Json:
    """The pull request of the branch at its present commit, opened if it is missing."""
    project = register(api, head)
    body = {"project": project["id"], "branch": head.branch}
    pull: Json = until(lambda: api.post("/local/pulls", body))
    if pull["head_sha"] != head.commit:
        raise CommandError(
            f"{head.branch} moved from {head.commit[:12]} to {pull['head_sha'][:12]} meanwhile.",
            fix="Run the command again",
        )
    return pull


def retry_if_over(api: Api, pull: Json) -> None:
    """Retry a commit that failed or whose preview was stopped: a user who asks for it again wants that."""
    newest = until(lambda: [newest_environment(api, pull)])[0] or {}
    deployment = newest.get("deployment") or {}
    over = deployment.get("state") == DeploymentState.FAILED or newest.get("stop_cause")
    if over and deployment.get("commit") == pull["head_sha"]:
        with contextlib.suppress(
            Conflict
        ):  # the pull request was closed meanwhile: opening it again deploys it
            api.post(f"/environments/{newest['id']}/rebuild", {})


def print_environment(console: Console, environment: Json) -> None:
    """Print the addresses, or why there are none, with the last log lines of the failed service."""
    deployment = environment["deployment"]
    for warning in deployment.get("warnings") or []:
        console.print(f"  [yellow]! {escape(warning)}[/]")
    if deployment["state"] == DeploymentState.LIVE:
        for service, url in environment["urls"].items():
            console.print(f"  {escape(service):<12} [bold]{escape(url)}[/]")
        console.print(f"  {'isolation':<12} {escape(isolation(deployment.get('isolation')))}")
    elif deployment["state"] == DeploymentState.FAILED:
        service = f" ({deployment['service']})" if deployment.get("service") else ""
        console.print(f"{show.mark(DeploymentState.FAILED)} failed: {escape(deployment['reason'] + service)}")
        console.print(f"  {escape(deployment.get('message') or '')}")
        for line in (deployment.get("log_tail") or [])[-15:]:
            console.print(f"  [dim]| {escape(line)}[/]")
        if environment.get("live_commit"):
            console.print(f"  Still serving {environment['live_commit'][:12]}")
    else:
        console.print(
            f"{show.mark(DeploymentState.SUPERSEDED)} {deployment['state']}: "
            f"{escape(deployment.get('message') or 'a newer deployment took its place')}."
        )
    if environment.get("page_url"):
        console.print(f"  {'details':<12} {escape(environment['page_url'])}")


def isolation(name: str | None) -> str:
    """The isolation in words, so that a weak one is never taken for a strong one."""
    words: dict[str, str] = {
        Isolation.GVISOR: "gVisor (runsc)",
        Isolation.CONTAINER: "container (runc), shared kernel",
        Isolation.PROCESS: "none: process runtime, for trying out only",
    }
    return words.get(name or "", name or "unknown")
