"""`seatrial preview`, `check`, `close`: a branch of a local repository, as a pull request; `undo`: a preview by its name."""

import contextlib
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli import show
from seatrial.cli.api import Api, Conflict, Json, connect
from seatrial.cli.errors import NEGATIVE, USAGE, CommandError, Disappointed, Interrupted
from seatrial.cli.phases import Phases
from seatrial.cli.repository import Head, read_head
from seatrial.cli.terminal import Terminal, bold, document, note, warning
from seatrial.cli.verdicts import counted_score, print_evaluation
from seatrial.cli.waiting import Deployment, Evaluation, Removal, items, newest_environments, until
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.states import DeploymentState, EvaluationState, Isolation

Repository = Annotated[Path, typer.Argument(metavar="PATH", help="A git repository on this machine.")]
Branch = Annotated[str | None, typer.Option("--branch", help="Default: the branch that is checked out.")]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name, such as pr-1-shop: `status` lists them.")
]
Recipes = Annotated[
    list[str] | None,
    typer.Option(
        "--recipe",
        metavar="FOLDER",
        help="Where the recipe is if it is not at the repository's root, such as services/shop; once more for each further one. The project keeps them in place of those it had.",
    ),
]
FIRST = ""  # the first recipe of a project, as REST names it
FORKS = "forks"  # the tier of what nobody trusts, as REST says it
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


def preview(path: Repository, branch: Branch = None, recipe: Recipes = None, as_json: AsJson = False) -> None:
    """Build and start the branch, and wait until its preview by each recipe answers. Run it again after a commit."""
    terminal = Terminal(quiet=as_json)
    head, api = _begin(path, branch, terminal, "preview")
    project = keep_recipes(api, head, recipe)
    terminal.line("Preview of ", bold(head.path.name), f" {head.branch} at {head.commit[:12]}")
    pull = open_pull(api, head)
    try:
        begin_again_if_needed(api, pull, project["recipe_folder"] if recipe else None)
        environments = [
            _waited(api, pull, one, terminal) for one in [FIRST, *project.get("further_recipes", [])]
        ]
    except KeyboardInterrupt:
        close_it = typed("close", str(head.path), "--branch", head.branch)
        raise Interrupted(f"the preview is still being prepared. Stop it: {close_it}") from None
    if as_json:
        document(environments[0] if len(environments) == 1 else {"items": environments})
    else:
        _print_each(terminal, environments, head.commit)
    missed = [one for one in environments if not is_live(one, head.commit)]
    if missed:
        of = f"{missed[0]['name']} " if len(environments) > 1 else ""
        raise Disappointed(f"{of}{why_not_live(missed[0], head.commit)}")


def _print_each(terminal: Terminal, environments: list[Json], commit: str) -> None:
    for environment in environments:
        if len(environments) > 1:
            terminal.line(bold(environment["name"]))
        print_environment(terminal, environment, commit)


def _waited(api: Api, pull: Json, recipe: str, terminal: Terminal) -> Json:
    """The preview by the recipe once its deployment has ended."""
    if recipe:
        terminal.line("Recipe ", bold(recipe))
    with Phases(terminal) as phases:
        return Deployment(api, pull, phases, recipe).wait()


def check(path: Repository, branch: Branch = None, as_json: AsJson = False) -> None:
    """Run the policies on the branch's newest commit, in the sandbox. Exit code 0: passed; 1: not passed."""
    terminal = Terminal(quiet=as_json)
    head, api = _begin(path, branch, terminal, "check")
    project = register(api, head)
    body = {"commit": head.commit, "ref": f"refs/heads/{head.branch}"}
    evaluation = until(lambda: api.post(f"/projects/{project['id']}/evaluations", body))
    terminal.line("Check of ", bold(head.path.name), f" {head.branch} at {head.commit[:12]}")
    try:
        with Phases(terminal) as phases:
            decided = Evaluation(api, evaluation["id"], phases).wait()
    except KeyboardInterrupt:
        see_it = typed("status")
        raise Interrupted(f"the evaluation continues and ends by itself. See it: {see_it}") from None
    if as_json:
        document(decided)
    else:
        print_evaluation(terminal, decided)
    _leave(decided)


def _leave(evaluation: Json) -> None:
    if evaluation["state"] == EvaluationState.PASSED:
        return
    why = evaluation.get("message") or f"{evaluation['state']}{counted_score(evaluation)}"
    # Without any result nothing was judged: the platform failed, not the repository.
    raise Disappointed(why, code=NEGATIVE if evaluation.get("results") else USAGE)


def close(path: Repository, branch: Branch = None) -> None:
    """Close the branch's pull request, and remove its preview."""
    terminal = Terminal()
    api = connect(DataDirectory.from_environment(os.environ))
    head = read_head(path, branch)
    project = register(api, head)
    body = {"project": project["id"], "branch": head.branch}
    pull = until(lambda: api.post("/local/pulls/close", body))
    terminal.line(f"Closed pull request {pull['number']} of ", bold(head.path.name), f" {head.branch}")
    try:
        with Phases(terminal) as phases:
            gone = Removal(api, pull, phases).wait()
    except KeyboardInterrupt:
        raise Interrupted(f"the preview is still being removed. See it: {typed('status')}") from None
    if not gone:
        late = warning("its preview is still being removed; is the agent online?")
        terminal.line("  ", late, f" {typed('status')}")


def undo(name: Name) -> None:
    """Undo that a preview was stopped, while everything of it is kept: it runs again, with its data."""
    terminal = Terminal()
    api = connect(DataDirectory.from_environment(os.environ))
    (found,) = until(lambda: [items(api.get("/environments", name=name, terminated="true", limit=1))])
    if not found:
        raise CommandError(f"there is no preview {name}.", fix=f"See their names: {typed('status')}")
    environment = api.post(f"/environments/{found[0]['id']}/undo")
    terminal.line(show.mark(environment["state"]), f" {environment['name']} {environment['state']}")
    for service, url in environment["urls"].items():
        terminal.line(f"  {show.padded(service, 12)} ", bold(url))


def _begin(path: Path, branch: str | None, terminal: Terminal, what: str) -> tuple[Head, Api]:
    """Check the repository first, because the user must fix its problems, then connect to the platform."""
    head = read_head(path, branch)
    api = connect(DataDirectory.from_environment(os.environ))
    if head.dirty:
        terminal.line(warning(f"uncommitted changes are not part of the {what}"))
    if head.folder:
        alone = f"; if its recipe is there: --recipe {shlex.quote(head.folder)}" if what == "preview" else ""
        terminal.line(warning(f"the {what} is of the whole repository, not only of {head.folder}{alone}"))
    if head.shallow and what == "check":
        complete = shlex.join(["git", "-C", str(head.path), "fetch", "--unshallow"])
        terminal.line(
            warning(
                f"this is a shallow clone: policies about history cannot judge it. Complete it: {complete}"
            )
        )
    return head, api


def register(api: Api, head: Head) -> Json:
    """The project of the repository, created if it is missing."""
    project: Json = until(lambda: api.post("/local/projects", {"path": str(head.path)}))
    return project


def keep_recipes(api: Api, head: Head, folders: list[str] | None) -> Json:
    """The project, whose recipes are in these folders from now on; None: where they were."""
    project = register(api, head)
    if not folders:
        return project
    first, *further = folders
    answer: Json = api.patch(
        f"/projects/{project['id']}", {"recipe_folder": first, "further_recipes": further}
    )
    return answer


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


def begin_again_if_needed(api: Api, pull: Json, folder: str | None) -> None:
    """Retry a commit that failed or whose first recipe was in another folder, or undo that its preview was stopped: a user who
    asks for it again wants that."""
    for newest in until(lambda: [newest_environments(api, pull)])[0]:
        _begin_again(api, pull, newest, None if newest.get("recipe") else folder)


def _begin_again(api: Api, pull: Json, newest: Json, folder: str | None) -> None:
    deployment = newest.get("deployment") or {}
    over = deployment.get("state") == DeploymentState.FAILED or newest.get("stop_cause")
    over = over or (folder is not None and deployment.get("recipe_folder") != folder)
    if over and deployment.get("commit") == pull["head_sha"]:
        with contextlib.suppress(
            Conflict
        ):  # the pull request was closed meanwhile: opening it again deploys it
            how = "undo" if newest.get("undo_until") else "rebuild"
            api.post(f"/environments/{newest['id']}/{how}", {})


def is_live(environment: Json, commit: str) -> bool:
    """Whether visitors get this very commit."""
    deployment = environment["deployment"]
    return bool(deployment["state"] == DeploymentState.LIVE and deployment["commit"] == commit)


def why_not_live(environment: Json, commit: str) -> str:
    """The reason, in one line."""
    deployment = environment["deployment"]
    if deployment["commit"] != commit:
        return f"superseded: {deployment['commit'][:12]} took the place of {commit[:12]}"
    service = f" ({deployment['service']})" if deployment.get("service") else ""
    reason = f"{deployment['reason']}{service}" if deployment.get("reason") else ""
    message = deployment.get("message") or ("" if reason else "a newer deployment took its place")
    return ": ".join(part for part in (deployment["state"], reason, message) if part)


def print_environment(terminal: Terminal, environment: Json, commit: str) -> None:
    """Print the addresses, or why there are none, with the last log lines of the failed service."""
    deployment = environment["deployment"]
    if deployment["commit"] == commit:
        for text in deployment.get("warnings") or []:
            terminal.line("  ", warning(text))
        if detected := deployment.get("detected"):
            terminal.line(
                "  ", note(f"no recipe, so this was detected: {detected['title']}; see "), typed("recipe")
            )
        for text in deployment.get("notes") or []:
            terminal.line("  ", note(text))
    if is_live(environment, commit):
        for service, url in environment["urls"].items():
            terminal.line(f"  {show.padded(service, 12)} ", bold(url))
        _print_walls(terminal, deployment)
    elif deployment["state"] == DeploymentState.FAILED and deployment["commit"] == commit:
        service = f" ({deployment['service']})" if deployment.get("service") else ""
        terminal.line(show.mark(DeploymentState.FAILED), f" failed: {deployment['reason']}{service}")
        terminal.lines(deployment.get("message") or "")
        for line in (deployment.get("log_tail") or [])[-15:]:
            terminal.lines(line, before="  | ", style="dim")
        if environment.get("live_commit"):
            terminal.line(f"  Still serving {environment['live_commit'][:12]}")
    else:
        terminal.line(show.mark(DeploymentState.SUPERSEDED), f" {why_not_live(environment, commit)}")
    if environment.get("floats"):
        terminal.line(
            f"  {'floats':<12} ", show.verdict_mark(environment["floats"]), f" {environment['floats']}"
        )
    if environment.get("page_url"):
        terminal.line(f"  {'details':<12} {environment['page_url']}")


def _print_walls(terminal: Terminal, deployment: Json) -> None:
    terminal.line(f"  {'isolation':<12} {isolation(deployment.get('isolation'))}")
    if deployment.get("tier") == FORKS:
        terminal.line(f"  {'tier':<12} forks: no private networks, and only the variables set for forks")


def isolation(name: str | None) -> str:
    """The isolation in words, so that a weak one is never taken for a strong one."""
    words: dict[str, str] = {
        Isolation.GVISOR: "gVisor (runsc)",
        Isolation.CONTAINER: "container (runc), shared kernel",
        Isolation.PROCESS: "none: process runtime, for trying out only",
    }
    return words.get(name or "", name or "unknown")
