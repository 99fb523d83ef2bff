"""`seatrial policies list`, `show`, `versions`, `diff` and `packs`."""

import json
import os
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError
from seatrial.cli.policies import Workspace, policies
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import moment, padded
from seatrial.cli.terminal import Styled, Terminal, bold, document, note
from seatrial.cli.waiting import items
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted

__all__ = ["address", "policies"]

Slug = Annotated[str, typer.Argument(metavar="POLICY", help="Its slug: `policies list` lists them.")]
Save = Annotated[
    Path | None, typer.Option("--save", help="Write the code of its newest version to this new file.")
]
From = Annotated[
    int, typer.Option("--from", help="The one version. Default: the one before the other.", min=0)
]
To = Annotated[int, typer.Option("--to", help="The other version. Default: the newest.", min=0)]
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@policies.command("list")
def listed(workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """List the policies of a workspace."""
    rows = items(api().get("/policies", workspace=workspace, limit=500))
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    for row in rows:
        state = "" if row["enabled"] else ", switched off"
        terminal.line(
            "  ",
            padded(row["slug"], 28),
            bold(row["name"]),
            note(f"  version {row['version']}, {row['level']}{state}"),
        )
    if not rows:
        terminal.line(f"There is no policy in the workspace {workspace} that you may see.")
        terminal.line("  ", note(f"Packs of them: {typed('policies', 'packs')}"))


@policies.command("show")
def show(policy: Slug, workspace: Workspace = "default", save: Save = None, as_json: AsJson = False) -> None:
    """Show a policy: what it demands, its parameters, its newest version."""
    row = in_full(api(), policy, workspace)
    if save is not None:
        _save(save, row["code"])
    if as_json:
        document(row)
        return
    terminal = Terminal()
    state = "switched on" if row["enabled"] else "switched off"
    terminal.line("policy ", bold(row["name"]), f"  {row['slug']}, {row['level']}, {state}")
    terminal.lines(row["description"])
    terminal.line(
        f"  applies to  {json.dumps(row['criteria'], ensure_ascii=False) if row['criteria'] else 'everything'}"
    )
    for name, value in row["params"].items():
        terminal.line(f"  parameter   {name} = {json.dumps(value, ensure_ascii=False)}")
    terminal.line(
        f"  version     {row['version']}, {moment(row['changed_at'])}",
        note(f" by {row['author'] or 'unknown'}"),
    )
    terminal.line("  ", note(row["page_url"]))


@policies.command("versions")
def versions(policy: Slug, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """List the versions of a policy, the newest first."""
    rows = items(api().get(f"{address(api(), policy, workspace)}/versions", limit=500))
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    for row in rows:
        terminal.line(
            bold(f"{row['number']:>4}"),
            f"  {moment(row['made_at'])}  {row['author'] or 'unknown'}",
            note(f"  {row['note']}"),
        )


@policies.command("diff")
def diff(
    policy: Slug, before: From = 0, to: To = 0, workspace: Workspace = "default", as_json: AsJson = False
) -> None:
    """Show what is different between two versions of a policy."""
    row = api().get(f"{address(api(), policy, workspace)}/diff", before=before, after=to)
    if as_json:
        document(row)
        return
    terminal = Terminal()
    for line in row["diff"].removesuffix("\n").split("\n") if row["diff"] else []:
        terminal.line("  ", Styled(line, DIFF_STYLES.get(line[:1], "")))
    for name, (old, new) in row["params"].items():
        terminal.line("  ", Styled(f"- {name} = {json.dumps(old, ensure_ascii=False)}", "red"))
        terminal.line("  ", Styled(f"+ {name} = {json.dumps(new, ensure_ascii=False)}", "green"))
    if not row["diff"] and not row["params"]:
        terminal.line(f"Versions {row['before']} and {row['after']} are the same.")


@policies.command("packs")
def packs(workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """List the packs that come with Seatrial, and what of them a workspace has."""
    rows = items(api().get(packs_of(workspace)))
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    for pack in rows:
        installed = sum(one["state"] not in ("absent", "taken") for one in pack["policies"])
        total = counted(len(pack["policies"]), "policy", "policies")
        terminal.line(
            "pack ", bold(pack["name"]), f"  {pack['slug']}", note(f"  {installed} of {total} installed")
        )
        for one in pack["policies"]:
            terminal.line(f"  {padded(one['slug'], 32)}{padded(one['state'], 11)}", note(one["name"]))
    terminal.line(note(f"Install one: {typed('policies', 'install', 'PACK')}"))


def _save(file: Path, code: str) -> None:
    try:
        with file.open("x", encoding="utf-8", errors="replace") as written:
            written.write(code)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.", word="unwritable") from error


def packs_of(workspace: str) -> str:
    """The address of the packs as a workspace has them."""
    return f"/workspaces/{quote(workspace, safe='', errors='replace')}/packs"


def in_full(connection: Api, slug: str, workspace: str) -> Json:
    """The policy with its code. Raises CommandError."""
    row: Json = connection.get(address(connection, slug, workspace))
    return row


def address(connection: Api, slug: str, workspace: str) -> str:
    """The address of the policy. Raises CommandError if there is none with this slug."""
    rows = items(connection.get("/policies", workspace=workspace, slug=slug))
    if not rows:
        raise CommandError(
            f"there is no policy {slug} in the workspace {workspace} that you may see.",
            fix=f"See them: {typed('policies', 'list', '--workspace', workspace)}",
            word="not_found",
        )
    return f"/policies/{quote(str(rows[0]['id']), safe='', errors='replace')}"


def api() -> Api:
    """The running platform. Raises CommandError."""
    return connect(DataDirectory.from_environment(os.environ))
