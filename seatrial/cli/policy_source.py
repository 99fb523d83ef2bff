"""`seatrial policies source show`, `set`, `sync`, `reviews`, `remove` and `stand`: policies that are kept in a git repository."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from seatrial.cli.api import Api, Json
from seatrial.cli.errors import Disappointed
from seatrial.cli.policies import Workspace
from seatrial.cli.policy_reading import Slug, api, in_full
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import mark, moment, padded
from seatrial.cli.terminal import Styled, Terminal, bold, document, note
from seatrial.cli.waiting import until
from seatrial.wire.counted import counted

source = typer.Typer(help="Where a workspace keeps its policies in git.", no_args_is_help=True)

ProjectSlug = Annotated[str, typer.Argument(metavar="PROJECT", help="Its slug or id: `projects` lists them.")]
Branch = Annotated[str, typer.Option("--branch", help="Default: the project's default branch.")]
Folder = Annotated[str, typer.Option("--folder", help="From the root of the repository; `/`: all of it.")]
Here = Annotated[
    bool,
    typer.Option(
        "--here/--file", help="Change it here, and do not look at its file; or have its file decide."
    ),
]
SYNCED_SECONDS = 120.0


@source.command("show")
def show(workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Show where policies are kept, and what is wrong there (exit code 1)."""
    _shown(api().get(_address(workspace)), as_json)


@source.command("set")
def set_source(
    project: ProjectSlug,
    branch: Branch = "",
    folder: Folder = "policies",
    workspace: Workspace = "default",
    as_json: AsJson = False,
) -> None:
    """Keep policies in a folder of a branch. It takes the role admin."""
    connection = api()
    connection.patch(_address(workspace), {"project": project, "branch": branch, "folder": folder.strip("/")})
    _shown(_read(connection, workspace), as_json)


@source.command("sync")
def sync(workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Have the branch read now, and show what came of it. It takes the role admin."""
    connection = api()
    connection.post(f"{_address(workspace)}/sync", {})
    _shown(_read(connection, workspace), as_json)


@source.command("reviews")
def reviews(workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """List what pull requests would make of the policies, the newest first."""
    rows = api().get(f"{_address(workspace)}/reviews")
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    for row in rows:
        _show_review(terminal, row)
    if not rows:
        terminal.line("Nobody has proposed a change yet.")


@source.command("remove")
def remove(workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Keep policies here only. They stay as they are. It takes the role admin."""
    api().delete(_address(workspace))
    if as_json:
        document({"workspace": workspace, "removed": True})
        return
    Terminal().line("The policies of ", bold(workspace), " are kept here only.")


@source.command("stand")
def stand(policy: Slug, here: Here = True, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Take one policy over from git, or have its file decide again. It takes the role admin."""
    connection = api()
    row = connection.patch(
        f"/policies/{in_full(connection, policy, workspace)['id']}/kept", {"kept": not here}
    )
    if as_json:
        document(row)
        return
    Terminal().line(bold(row["policy"]), f" {row['standing']}  ", note(row["path"]))


def _address(workspace: str) -> str:
    return f"/workspaces/{quote(workspace, safe='', errors='replace')}/policy-source"


def _read(connection: Api, workspace: str) -> Json:
    """The source, once its branch was read."""

    def look() -> Json | None:
        row: Json = connection.get(_address(workspace))
        return None if row["waits"] else row

    read: Json = until(look, seconds=SYNCED_SECONDS, what="the branch was not read")
    return read


def _shown(row: Json, as_json: bool) -> None:
    if as_json:
        document(row)
    else:
        _said(row)
    broken = sum(bool(one["broken"]) for one in row["files"])
    if row["problem"] or broken:
        raise Disappointed(row["problem"] or f"{counted(broken, 'file is,files are')} broken.")


def _said(row: Json) -> None:
    terminal = Terminal()
    terminal.line(
        "policies of ",
        bold(row["workspace"]),
        f": {row['project']}, branch {row['branch']}, {row['folder'] or '/'}",
    )
    if row["commit"]:
        terminal.line("  ", note(f"taken {row['commit'][:10]}, {moment(row['taken_at'])}"))
    if row["rewound"]:
        terminal.line("  ", Styled(row["rewound"], "yellow"))
    for one in row["policies"]:
        terminal.line("  ", padded(one["policy"], 28), note(f"{one['path']}  {one['standing']}"))
    for one in row["files"]:
        _broken(terminal, one)


def _show_review(terminal: Terminal, row: Json) -> None:
    terminal.line(
        mark(row["state"]), f" {padded(row['state'], 10)}  ", bold(f"#{row['number']}"), f" {row['title']}"
    )
    terminal.line("  ", row["said"], note(f"  {row['commit'][:10]}, {row['page_url']}"))
    for one in row["files"]:
        _broken(terminal, one)
    for one in row["failures"]:
        terminal.line(Styled("  failed  ", "red"), f"{one['policy']}, {one['test']}: {one['text']}")


def _broken(terminal: Terminal, file: dict[str, Any]) -> None:
    for one in file["broken"]:
        place = f"{file['path']}:{one['line']}" if one["line"] else file["path"]
        terminal.line(
            Styled("  broken  ", "red"), f"{place}: {one['key'] + ': ' if one['key'] else ''}{one['text']}"
        )
