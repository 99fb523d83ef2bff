"""`seatrial pulls`, `approve`, `extend`, `pin`, `sleep`, `wake`, `reset-data`: pull requests at code hosts, and what people decide about them."""

import os
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError
from seatrial.cli.finding import project_named
from seatrial.cli.pulls import AsJson, Name
from seatrial.cli.show import moment, padded
from seatrial.cli.terminal import Terminal, bold, document, note
from seatrial.cli.waiting import items
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed

Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Its slug: `projects` lists them.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="The pull request's number.")]
Commit = Annotated[
    str,
    typer.Option("--commit", help="The commit that you have read. Default: the newest, which is printed."),
]

ForForks = Annotated[bool, typer.Option("--for-forks", help="Previews of forks begin with it, too.")]
SnapshotId = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="Its id: `snapshots` lists them.")]

SAVED = "saved"  # what REST says of a snapshot that is whole
FORK = "fork"  # why REST says that a pull request gets no preview


def pulls(project: Project, as_json: AsJson = False) -> None:
    """List the open pull requests of a project, and why one gets no preview."""
    api = _api()
    rows = items(api.get(f"/projects/{project_named(api, project)['id']}/pulls"))
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    if not rows:
        terminal.line("No pull request is open.")
    for row in rows:
        terminal.line(padded(f"#{row['number']}", 7), bold(row["title"] or row["branch"]), note(_marks(row)))
        if row["withheld"]:
            terminal.line(" " * 7, note(f"no preview: {row['why_withheld']}. {row['fix']}"))
        if row["withheld"] == FORK:
            approval = typed("approve", project, str(row["number"]), "--commit", row["commit"][:12])
            terminal.line(" " * 7, note(f"once you have read it: {approval}"))


def approve(project: Project, number: Number, commit: Commit = "") -> None:
    """Let one commit of a pull request from a fork have a preview. What is pushed later needs another approval."""
    api = _api()
    path = f"/projects/{project_named(api, project)['id']}/pulls/{number}"
    head = api.get(path)["commit"]
    if commit and not head.startswith(commit.lower()):
        raise CommandError(
            f"pull request {number} is at {head[:12]}, not at {commit[:12]}.",
            fix="Read what was pushed since, then approve that commit",
            word="another_commit",
        )
    api.post(f"{path}/approve", {"commit": head})
    Terminal().line("Approved: ", bold(head[:12]), f" of pull request {number}")


def extend(name: Name) -> None:
    """Let a preview live longer, by its project's time to live."""
    extended = _ordered(name, "extend")
    Terminal().line(bold(extended["name"]), f" ends on {moment(extended['expires_at'])} without a new commit")


def pin(name: Name, as_json: AsJson = False) -> None:
    """Keep a preview beyond its time to live, until its pull request is closed or somebody stops it."""
    _told(_ordered(name, "pin"), " does not expire", as_json)


def unpin(name: Name, as_json: AsJson = False) -> None:
    """Undo that a preview was pinned. If its time to live is over, it gets a whole one."""
    row = _ordered(name, "unpin")
    _told(row, f" ends on {moment(row['expires_at'])} without a new commit", as_json)


def sleep(name: Name, as_json: AsJson = False) -> None:
    """Put a preview to sleep now. Whoever visits it wakes it."""
    _told(_ordered(name, "sleep"), " falls asleep", as_json)


def wake(name: Name, as_json: AsJson = False) -> None:
    """Wake a preview that sleeps."""
    _told(_ordered(name, "wake"), " is waking", as_json)


def reset_data(name: Name, as_json: AsJson = False) -> None:
    """Empty the data of a preview, which cannot be undone, and deploy it anew: its seed fills it again."""
    _told(_ordered(name, "reset-data"), " begins anew, with empty data", as_json)


def save_data(name: Name, for_forks: ForForks = False, as_json: AsJson = False) -> None:
    """Save the data of a preview: new previews of its project begin with a copy."""
    api = _api()
    row: Json = api.post(f"/environments/{_found(api, name)}/save-data", {"for_forks": for_forks})
    if as_json:
        document(row)
        return
    Terminal().line("Saving the data of ", bold(row["source"]), f": snapshot {row['id']}")


def snapshots(project: Project, as_json: AsJson = False) -> None:
    """List the saved data of a project. The newest that is saved is its template, with which new previews begin."""
    api = _api()
    rows = items(api.get(f"/projects/{project_named(api, project)['id']}/snapshots"))
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    if not rows:
        terminal.line(
            "Nothing is saved. ", note(f"{typed('save-data', 'PREVIEW')} saves the data of a preview.")
        )
    for row in rows:
        state = "removed" if row["removed"] and row["state"] == SAVED else row["state"]
        terminal.line(padded(row["id"], 28), padded(state, 8), bold(row["source"]), note(_about(row)))


def remove_snapshot(snapshot: SnapshotId, as_json: AsJson = False) -> None:
    """Remove saved data: new previews begin without it."""
    row: Json = _api().delete(f"/snapshots/{snapshot}")
    if as_json:
        document(row)
        return
    Terminal().line("Removed: the data of ", bold(row["source"]))


def _about(row: Json) -> str:
    if row["problem"]:
        return f"  {row['problem']}"
    how = "reflinked" if row["reflinked"] else "copied"
    return f"  {moment(row['created_at'])}, on {row['agent']}, {how}" + (
        ", for forks too" if row["for_forks"] else ""
    )


def _found(api: Api, name: str) -> str:
    """The id of the preview."""
    found = items(api.get("/environments", name=name, limit=1))
    if not found:
        raise CommandError(f"there is no preview {name}.", fix=f"See their names: {typed('status')}")
    return str(found[0]["id"])


def _ordered(name: str, order: str) -> Json:
    api = _api()
    row: Json = api.post(f"/environments/{_found(api, name)}/{order}", {})
    return row


def _told(row: Json, said: str, as_json: bool) -> None:
    if as_json:
        document(row)
        return
    Terminal().line(bold(row["name"]), said)


def _marks(row: Json) -> str:
    marks = [word for word in ("draft", "merged") if row[word]]
    marks += ["from a fork"] if row["from_fork"] else []
    return "".join(f"  {mark}" for mark in [*marks, *row["labels"]])


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
