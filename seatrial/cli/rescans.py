"""`seatrial projects rescan` and `seatrial policy run`: policies run again where nothing was pushed, with a bar while they do."""

import os
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError, Disappointed, Interrupted
from seatrial.cli.finding import project_named
from seatrial.cli.policies import Workspace
from seatrial.cli.pulls import AsJson
from seatrial.cli.terminal import Bar, Terminal, bold, document, note
from seatrial.cli.waiting import items, until
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted

Project = Annotated[
    str, typer.Argument(metavar="PROJECT", help="Its name in addresses, or its id. Without: see --all.")
]
Policy = Annotated[str, typer.Argument(metavar="POLICY", help="Its slug, such as no-secrets.")]
All = Annotated[
    bool, typer.Option("--all", help="All projects of the workspace, which takes the role admin.")
]
Pulls = Annotated[bool, typer.Option("--pull-requests", help="On open pull requests too.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Begin it, and do not wait for its end.")]


def rescan(
    project: Project = "",
    everything: All = False,
    pull_requests: Pulls = False,
    no_wait: NoWait = False,
    workspace: Workspace = "default",
    as_json: AsJson = False,
) -> None:
    """Run the policies of a project again on its default branch. Exit code 0: no verdict is bad; 1: some are."""
    if bool(project) == everything:
        raise CommandError("name one project, or --all.", fix=f"See them: {typed('projects')}", word="usage")
    api = _api()
    where = (
        f"/workspaces/{_quoted(workspace)}"
        if everything
        else f"/projects/{project_named(api, project)['id']}"
    )
    _run(api, f"{where}/rescans", pull_requests, no_wait, as_json)


def run(
    policy: Policy,
    pull_requests: Pulls = False,
    no_wait: NoWait = False,
    workspace: Workspace = "default",
    as_json: AsJson = False,
) -> None:
    """Run a policy now on all projects it is attached to; the verdicts count. Exit code 0: no verdict is bad; 1: some are."""
    api = _api()
    found = items(api.get("/policies", workspace=workspace, slug=policy))
    if not found:
        known = typed("policies", "list", "--workspace", workspace)
        raise CommandError(f"there is no policy {policy}.", fix=f"See them: {known}", word="not_found")
    _run(api, f"/policies/{found[0]['id']}/rescans", pull_requests, no_wait, as_json)


def _run(api: Api, address: str, pull_requests: bool, no_wait: bool, as_json: bool) -> None:
    terminal = Terminal(quiet=as_json)
    begun = api.post(address, {"pull_requests": pull_requests})
    ended = begun if no_wait else _ended(api, terminal, begun)
    if as_json:
        document(ended)
    else:
        _show(terminal, ended)
    counts = ended["counts"]
    if counts["failed"] or counts["errored"]:
        raise Disappointed(f"{counts['failed']} failed, {counts['errored']} without a verdict")


def _ended(api: Api, terminal: Terminal, begun: Json) -> Json:
    with Bar(terminal, "re-scan", begun["counts"]["targets"]) as bar:

        def look() -> Json | None:
            row: Json = api.get(f"/rescans/{begun['id']}")
            bar.at(row["counts"]["ended"])
            return row if row["finished_at"] else None

        try:
            ended: Json = until(look)
        except KeyboardInterrupt:
            raise Interrupted(f"the re-scan goes on. See or stop it: {begun['page_url']}") from None
    return ended


def _show(terminal: Terminal, row: Json) -> None:
    counts = row["counts"]
    terminal.line(
        "Re-scan ", bold(row["state"]), f": {counts['ended']} of {counted(counts['targets'], 'target')}"
    )
    said = ("passed", "failed", "errored", "skipped")
    terminal.line("  ", ", ".join(f"{counts[name]} {name}" for name in said))
    if row["left_out"]:
        terminal.line("  ", note(f"no room for {counted(row['left_out'], 'target')}"))
    terminal.line(f"  details  {row['page_url']}")


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
