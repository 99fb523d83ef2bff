"""`seatrial projects set`, `archive`, `restore` and `remove`."""

import math
import os
import sys
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError
from seatrial.cli.finding import project_named
from seatrial.cli.forges import projects
from seatrial.cli.pulls import AsJson
from seatrial.cli.terminal import Terminal, bold, document, note
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.sizes import in_megabytes

__all__ = ["projects"]

Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Its name in addresses, or its id.")]
Name = Annotated[str | None, typer.Option("--name", help="What to call it. Its name in addresses stays.")]
TtlHours = Annotated[
    int | None,
    typer.Option("--ttl-hours", help="Default TTL: hours that a preview lives without a new commit."),
]
PauseMinutes = Annotated[
    int | None,
    typer.Option("--pause-after", metavar="MINUTES", help="Pause a preview without visitors; 0: never."),
]
StopMinutes = Annotated[
    int | None,
    typer.Option("--stop-after", metavar="MINUTES", help="Stop a preview without visitors; 0: never."),
]
Previews = Annotated[
    bool | None, typer.Option("--previews/--no-previews", help="Whether pull requests get previews.")
]
Drafts = Annotated[bool | None, typer.Option("--drafts/--no-drafts", help="Whether drafts get previews.")]
Labelled = Annotated[
    bool | None,
    typer.Option("--only-labelled/--not-only-labelled", help="Previews only with the label `preview`."),
]
Forks = Annotated[
    bool | None,
    typer.Option("--forks/--no-forks", help="Build forked PRs without approval: at your risk."),
]
PrivateNetworks = Annotated[
    bool | None,
    typer.Option(
        "--private-networks/--no-private-networks",
        help="Whether its previews connect to private networks; the instance admin says so.",
    ),
]
MostPreviews = Annotated[
    int | None,
    typer.Option("--max-previews", help="Previews at the same time. 0: as many as the server allows."),
]
MostCpus = Annotated[
    float | None,
    typer.Option("--max-cpus", help="CPUs of all its previews. 0: as many as the server allows."),
]
MostMemory = Annotated[
    str | None,
    typer.Option(
        "--max-memory", help="Memory of all its previews, such as 20g. 0: as much as the server allows."
    ),
]
Tunnels = Annotated[
    bool | None,
    typer.Option(
        "--tunnels/--no-tunnels", help="Whether developers get into previews with exec and port-forward."
    ),
]
ForkTunnels = Annotated[
    bool | None,
    typer.Option("--fork-tunnels/--no-fork-tunnels", help="Whether they get into those of forks, too."),
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", help="A label; all of them together replace those it has. Empty: none."),
]
Stack = Annotated[str | None, typer.Option("--stack", help="What it is built with, in one word.")]
Recipes = Annotated[
    list[str] | None,
    typer.Option(
        "--recipe",
        metavar="FOLDER",
        help="The folder where its recipe is, such as services/shop. Empty: the root. Once more for each further recipe; all together replace those it has.",
    ),
]
Callbacks = Annotated[
    bool | None,
    typer.Option("--callbacks/--no-callbacks", help="One host for signing in elsewhere, for all previews."),
]
Rescan = Annotated[
    str | None,
    typer.Option("--rescan", help="When: never, daily, weekly, or a cron expression in UTC, `30 3 * * 1-5`."),
]
Publish = Annotated[
    bool | None,
    typer.Option(
        "--publish/--private", help="Change who sees it, which takes the role admin. Without: show it."
    ),
]
Confirm = Annotated[
    str, typer.Option("--confirm", help="Its name in addresses, in place of typing it when asked.")
]


@projects.command("set")
def change(
    project: Project,
    name: Name = None,
    ttl_hours: TtlHours = None,
    pause_after: PauseMinutes = None,
    stop_after: StopMinutes = None,
    previews: Previews = None,
    drafts: Drafts = None,
    only_labelled: Labelled = None,
    forks: Forks = None,
    private_networks: PrivateNetworks = None,
    tunnels: Tunnels = None,
    fork_tunnels: ForkTunnels = None,
    recipe: Recipes = None,
    callbacks: Callbacks = None,
    max_previews: MostPreviews = None,
    max_cpus: MostCpus = None,
    max_memory: MostMemory = None,
    label: Labels = None,
    stack: Stack = None,
    rescan: Rescan = None,
    as_json: AsJson = False,
) -> None:
    """Change a project's settings. The previews of its open pull requests follow within seconds."""
    settings = {
        "name": name,
        "ttl_hours": ttl_hours,
        "pause_minutes": pause_after,
        "stop_minutes": stop_after,
        "previews_enabled": previews,
        "previews_of_drafts": drafts,
        "previews_need_label": only_labelled,
        "previews_of_forks": forks,
        "private_networks": private_networks,
        "tunnels_allowed": tunnels,
        "tunnels_of_forks": fork_tunnels,
        "recipe_folder": recipe[0] if recipe else None,
        "further_recipes": recipe[1:] if recipe else None,
        "callbacks": callbacks,
        "max_previews": max_previews,
        "max_cpus": max_cpus,
        "max_memory_mb": _megabytes(max_memory),
        "labels": [one for one in label if one] if label else None,
        "stack": stack,
        "rescan": rescan,
    }
    changes = _named(settings)
    api, row = _found(project)
    answer = api.patch(f"/projects/{row['id']}", changes)
    _saved(answer, as_json, callbacks=bool(callbacks))


def _saved(answer: Json, as_json: bool, *, callbacks: bool) -> None:
    if as_json:
        document(answer)
        return
    _print_saved(answer, callbacks=bool(callbacks))


def _print_saved(answer: Json, *, callbacks: bool) -> None:
    terminal = Terminal()
    terminal.line("Saved: ", bold(answer["name"]))
    if callbacks and answer.get("callback_url"):
        terminal.line(
            "Register where its users sign in, with the application's path: ", answer["callback_url"]
        )


def _named(settings: Json) -> Json:
    changes = {key: value for key, value in settings.items() if value is not None}
    if not changes:
        raise CommandError(
            "nothing to change was named.", fix=f"See: {typed('projects', 'set', '--help')}", word="usage"
        )
    return changes


def _megabytes(size: str | None) -> int | None:
    if size is None:
        return None
    found = in_megabytes(size)
    if found is None:
        raise CommandError(
            f"--max-memory {size!r} is not a size.", fix="Write it like 512m or 20g.", word="usage"
        )
    return math.ceil(found)


@projects.command("archive")
def archive(project: Project, as_json: AsJson = False) -> None:
    """End a project's previews and remove its webhook. All of its data is kept."""
    api, row = _found(project)
    _said(api.post(f"/projects/{row['id']}/archive"), "Archived: ", _undo(row), as_json)


@projects.command("restore")
def restore(project: Project, as_json: AsJson = False) -> None:
    """Put an archived project under trial again, or keep one that is being removed."""
    api, row = _found(project)
    said = "Its previews come back within a minute."
    _said(api.post(f"/projects/{row['id']}/restore"), "Under trial: ", said, as_json)


@projects.command("remove")
def remove(project: Project, confirm: Confirm = "", as_json: AsJson = False) -> None:
    """Remove a project with all of its data: pull requests, deployments, verdicts."""
    api, row = _found(project)
    answer = api.delete(f"/projects/{row['id']}", confirm=confirm or _typed(row))
    _said(answer, "Is being removed: ", f"While it is, you can keep it: {_undo(row)}", as_json)


@projects.command("badge")
def badge(project: Project, publish: Publish = None, as_json: AsJson = False) -> None:
    """Show a project's badge, publish it (or give it another address), or make it private."""
    api, row = _found(project)
    address = f"/projects/{row['id']}/badge"
    match publish:
        case None:
            answer = api.get(address)
        case True:
            answer = api.post(address)
        case False:
            answer = api.delete(address)
    if as_json:
        document(answer)
        return
    terminal = Terminal()
    terminal.line(bold(row["name"]), f": {answer['says']}, {'public' if answer['public_url'] else 'private'}")
    terminal.line("  ", note(answer["markdown"] or answer["private_url"]))


def _said(answer: Json, done: str, hint: str, as_json: bool) -> None:
    if as_json:
        document(answer)
        return
    terminal = Terminal()
    terminal.line(done, bold(answer["name"]))
    terminal.line("  ", note(hint))


def _undo(row: Json) -> str:
    return typed("projects", "restore", row["slug"])


def _typed(row: Json) -> str:
    """The name, typed by somebody who means it. A script says it with --confirm."""
    if not sys.stdin.isatty():
        raise CommandError(
            "all of the project's data would be deleted.",
            fix=f"Confirm it: {typed('projects', 'remove', row['slug'], '--confirm', row['slug'])}",
            word="usage",
        )
    return str(typer.prompt(f"All data of {row['slug']!a} is deleted for good. Type its name in addresses"))


def _found(wanted: str) -> tuple[Api, Json]:
    """The platform, and the project with this slug or id, archived or not."""
    api = connect(DataDirectory.from_environment(os.environ))
    return api, project_named(api, wanted, archived=True)
