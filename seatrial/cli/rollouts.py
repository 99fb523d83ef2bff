"""`seatrial policies level`, `attach`, `exclude` and `detach`: how far policies are rolled out."""

import os
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.policies import Workspace
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import moment
from seatrial.cli.terminal import Terminal, bold, document, note
from seatrial.embedded.layout import DataDirectory
from seatrial.wire.states import Level

Policy = Annotated[str, typer.Argument(metavar="POLICY", help="Its slug, such as no-secrets, or its id.")]
Wanted = Annotated[
    str, typer.Argument(metavar="LEVEL", help=f"One of {', '.join(Level)}. Without: show how it is.")
]

On = Annotated[
    bool | None, typer.Option("--on/--off", help="New findings only, or all. Without: show how it is.")
]
All = Annotated[bool, typer.Option("--all", help="All projects.")]
Label = Annotated[str, typer.Option("--label", help="Projects with this label.")]
Stack = Annotated[str, typer.Option("--stack", help="Projects of this stack.")]
Project = Annotated[str, typer.Option("--project", help="One project: its slug or id.")]
AtLevel = Annotated[str, typer.Option("--level", help="Instead of the policy's: advisory, soft or hard.")]
Starts = Annotated[
    str,
    typer.Option("--starts", help="Advisory before this day, and for older pull requests: 2027-01-31."),
]
Reason = Annotated[str, typer.Option("--reason", help="Why they are left alone.")]
AttachmentKey = Annotated[
    str, typer.Argument(metavar="ID", help="Of the attachment, as `policies level POLICY` shows it.")
]


def level(
    policy: Policy, wanted: Wanted = "", workspace: Workspace = "default", as_json: AsJson = False
) -> None:
    """Show or change how much a policy's failures weigh. Changing it takes the role admin."""
    api = _api()
    row = api.get(f"{_address(policy)}/rollout", workspace=workspace)
    _show(api.patch(f"{_address(row['id'])}/level", {"level": wanted}) if wanted else row, as_json)


def ratchet(policy: Policy, on: On = None, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Have only new findings of a policy fail checks, or all again. It takes the role admin."""
    api = _api()
    row = api.get(f"{_address(policy)}/rollout", workspace=workspace)
    _show(row if on is None else api.patch(f"{_address(row['id'])}/ratchet", {"ratchet": on}), as_json)


def attach(
    policy: Policy,
    everything: All = False,
    label: Label = "",
    stack: Stack = "",
    project: Project = "",
    at_level: AtLevel = "",
    starts: Starts = "",
    workspace: Workspace = "default",
    as_json: AsJson = False,
) -> None:
    """Have a policy judge projects: all, those with a label, those of a stack, or one. It takes the role admin."""
    wanted = {"level": at_level, "starts_at": starts or None}
    _put(policy, workspace, {**_target(everything, label, stack, project), **wanted}, as_json)


def exclude(
    policy: Policy,
    reason: Reason,
    everything: All = False,
    label: Label = "",
    stack: Stack = "",
    project: Project = "",
    workspace: Workspace = "default",
    as_json: AsJson = False,
) -> None:
    """Have a policy leave projects alone, and say why. It takes the role admin."""
    wanted = {"excluded": True, "reason": reason}
    _put(policy, workspace, {**_target(everything, label, stack, project), **wanted}, as_json)


def detach(
    policy: Policy, attachment: AttachmentKey, workspace: Workspace = "default", as_json: AsJson = False
) -> None:
    """Take an attachment or an exclusion back. It takes the role admin."""
    api = _api()
    row = api.get(f"{_address(policy)}/rollout", workspace=workspace)
    _show(api.delete(f"{_address(row['id'])}/attachments/{_quoted(attachment)}"), as_json)


def _target(everything: bool, label: str, stack: str, project: str) -> Json:
    return {"everything": everything, "label": label, "stack": stack, "project": project}


def _put(policy: str, workspace: str, wanted: Json, as_json: bool) -> None:
    api = _api()
    row = api.get(f"{_address(policy)}/rollout", workspace=workspace)
    _show(api.post(f"{_address(row['id'])}/attachments", wanted), as_json)


def _show(row: Json, as_json: bool) -> None:
    if as_json:
        document(row)
        return
    terminal = Terminal()
    terminal.line(bold(row["policy"]), f": {row['level']}", note(f"  in {row['workspace']}"))
    if row["ratchet"]:
        terminal.line("  ", note("new findings only"))
    if row["demoted"]:
        terminal.line("  ", note(row["demoted"]))
    for one in row["attachments"]:
        what = f"not for {one['target']}: {one['reason']}" if one["excluded"] else f"for {one['target']}"
        more = [one["level"]] if one["level"] else []
        more += [f"from {moment(one['starts_at'])} on"] if one["starts_at"] else []
        terminal.line(f"  {one['id']}  {what}", note(f"  {', '.join(more)}") if more else "")
    if not row["attachments"]:
        terminal.line("  ", note("attached to no project: it runs nowhere"))


def _address(policy: str) -> str:
    return f"/policies/{_quoted(policy)}"


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
