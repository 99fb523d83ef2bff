"""`seatrial policies create`, `edit`, `params`, `revert`, `enable`, `disable` and `install`."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import click
import typer

from seatrial.cli.api import Json
from seatrial.cli.errors import CommandError
from seatrial.cli.policies import Workspace, policies
from seatrial.cli.policy_reading import Slug, address, api, in_full, packs_of
from seatrial.cli.pulls import AsJson
from seatrial.cli.terminal import Terminal, bold, document, note
from seatrial.cli.waiting import items
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted

__all__ = ["policies"]

NewSlug = Annotated[
    str, typer.Argument(metavar="POLICY", help="Its slug, such as owned-services. It never changes.")
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The policy's file; `-`: standard input.")]
MaybeFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]", help="Its new code; `-`: standard input. Without it, your editor opens the newest."
    ),
]
BasedOn = Annotated[
    int | None,
    typer.Option("--based-on", help="The version that FILE was made from. Default: the newest.", min=1),
]
Note = Annotated[str, typer.Option("--note", help="What changes, and why.")]
Params = Annotated[
    list[str], typer.Argument(metavar="NAME=VALUE...", help="A value is JSON, or else a text.")
]
Number = Annotated[int, typer.Argument(metavar="VERSION", help="The version to bring back.", min=1)]
Pack = Annotated[str, typer.Argument(metavar="PACK", help="Its slug: `policies packs` lists them.")]
Chosen = Annotated[
    list[str] | None, typer.Argument(metavar="[POLICY]...", help="Only these of its policies.")
]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace", help="Also where people made the newest version: they get the pack's as a newer one."
    ),
]


@policies.command("create")
def create(
    policy: NewSlug, file: File, workspace: Workspace = "default", note: Note = "", as_json: AsJson = False
) -> None:
    """Make a policy of a file. It is a draft, which runs in trials only, until `policies level`."""
    wanted = {"workspace": workspace, "slug": policy, "code": _read(file), "note": note}
    row = api().post("/policies", wanted)
    _said(row, "Saved: ", as_json, hint=_order("level", row))


@policies.command("edit")
def edit(
    policy: Slug,
    file: MaybeFile = None,
    based_on: BasedOn = None,
    workspace: Workspace = "default",
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Write the next version of a policy. If somebody else wrote one meanwhile, nothing is saved."""
    connection = api()
    before = in_full(connection, policy, workspace)
    code = _read(file) if file is not None else _written(before)
    wanted = {"code": code, "based_on": based_on or before["version"], "note": note}
    try:
        row = connection.post(f"/policies/{quote(before['id'], safe='', errors='replace')}/versions", wanted)
    except CommandError as error:
        if file is None:
            error.fix = f"What you wrote is kept in {_kept(policy, code)}"
        raise
    _said(row, "Unchanged: " if row["version"] == before["version"] else "Saved: ", as_json)


@policies.command("params")
def params(policy: Slug, values: Params, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Set parameters of a policy: a new version with the same code."""
    connection = api()
    before = in_full(connection, policy, workspace)
    wanted = {"params": dict(map(_pair, values)), "based_on": before["version"]}
    row = connection.post(f"/policies/{quote(before['id'], safe='', errors='replace')}/versions", wanted)
    _said(row, "Saved: ", as_json)


@policies.command("revert")
def revert(
    policy: Slug, version: Number, workspace: Workspace = "default", note: Note = "", as_json: AsJson = False
) -> None:
    """Bring back an older version of a policy, as a new one."""
    connection = api()
    before = in_full(connection, policy, workspace)
    wanted = {"to": version, "based_on": before["version"], "note": note}
    _said(
        connection.post(f"/policies/{quote(before['id'], safe='', errors='replace')}/revert", wanted),
        "Saved: ",
        as_json,
    )


@policies.command("enable")
def enable(policy: Slug, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Switch a policy on: it runs from the next evaluation on."""
    _switched(policy, workspace, True, as_json)


@policies.command("disable")
def disable(policy: Slug, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Switch a policy off. Its versions and results stay."""
    _switched(policy, workspace, False, as_json)


@policies.command("install")
def install(
    pack: Pack,
    chosen: Chosen = None,
    workspace: Workspace = "default",
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Install policies of a pack, or update those that a newer release brought."""
    wanted = {"policies": chosen or [], "replace": replace}
    rows = items(
        api().post(f"{packs_of(workspace)}/{quote(pack, safe='', errors='replace')}/install", wanted)
    )
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    for row in rows:
        terminal.line("  ", bold(row["slug"]), note_of(row))
    terminal.line(
        f"{counted(len(rows), 'policy', 'policies')} installed or updated."
        if rows
        else "Everything is as the pack has it."
    )


def note_of(row: Json) -> Any:
    """Its version, and whether it runs."""
    return note(f"  version {row['version']}{'' if row['enabled'] else ', switched off'}")


def _switched(policy: str, workspace: str, enabled: bool, as_json: bool) -> None:
    connection = api()
    row = connection.patch(address(connection, policy, workspace), {"enabled": enabled})
    _said(row, "Switched on: " if enabled else "Switched off: ", as_json)


def _said(row: Json, what: str, as_json: bool, *, hint: str = "") -> None:
    if as_json:
        document(row)
        return
    terminal = Terminal()
    terminal.line(what, bold(row["slug"]), note_of(row))
    terminal.line("  ", note(row["page_url"]))
    if hint:
        terminal.line("  ", note(f"a draft runs in trials only; raise its level: {hint}"))


def _order(verb: str, row: Json) -> str:
    return typed("policies", verb, row["slug"], "advisory", "--workspace", row["workspace"])


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CommandError(f"{file} cannot be read: {why}.", word="unreadable") from error


def _written(before: Json) -> str:
    """What the person's editor leaves of the newest code."""
    text: str | None = click.edit(str(before["code"]), extension=".py")
    if text is None:
        raise CommandError("nothing was saved: the editor was left without saving.", word="unchanged")
    return text


def _kept(slug: str, code: str) -> str:
    with tempfile.NamedTemporaryFile(
        "w", errors="replace", prefix=f"{Path(slug).name}-", suffix=".py", delete=False
    ) as file:
        file.write(code)
    return file.name


def _pair(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise CommandError(f"{text} is no NAME=VALUE.", word="usage")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
