"""`seatrial policy`: trying policies, from files or as the platform has them. Nothing of it counts, and no code host hears of it."""

import os
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError, Disappointed, Interrupted
from seatrial.cli.finding import project_named
from seatrial.cli.phases import Phases
from seatrial.cli.policies import Workspace
from seatrial.cli.policy_files import PolicyFile, is_file, policy_files
from seatrial.cli.policy_outcomes import print_replay, print_tests, print_tried
from seatrial.cli.pulls import AsJson
from seatrial.cli.queueing import Queue
from seatrial.cli.terminal import Terminal, bold, document
from seatrial.cli.waiting import items, until
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted
from seatrial.wire.states import ResultState, TestsState, TrialState

Paths = Annotated[
    list[Path],
    typer.Argument(metavar="PATH...", help="Files of policies, or folders in which every .py file is one."),
]
Policy = Annotated[
    str, typer.Argument(metavar="POLICY", help="The path of its file, or the slug of a policy.")
]
Project = Annotated[str, typer.Option("--project", help="Its slug: `projects` lists them.")]
Commit = Annotated[
    str, typer.Option("--commit", help="Its id, or how that begins. Default: the newest that is known.")
]
Commits = Annotated[
    int, typer.Option("--commits", help="How many of each project's default branch.", min=0, max=100)
]
Pulls = Annotated[
    bool, typer.Option("--pull-requests/--no-pull-requests", help="Also every open pull request.")
]
Projects = Annotated[
    list[str] | None, typer.Option("--project", help="Only this project; can be given more than once.")
]
Number = Annotated[
    int | None, typer.Option("--version", help="Of a policy by its slug. Default: the newest.")
]

policy = typer.Typer(help="Try policies before they count.", no_args_is_help=True)


@policy.command("test")
def test(paths: Paths, workspace: Workspace = "default", as_json: AsJson = False) -> None:
    """Run the policies' own tests (TESTS), in the sandbox. Exit code 0: all agree; 1: some do not."""
    files = policy_files(paths)
    terminal = Terminal(quiet=as_json)
    api = _api()
    body = {"workspace": workspace, "files": [{"slug": one.slug, "code": one.code} for one in files]}
    trial = _waited(api, terminal, api.post("/policies/tests", body))
    if as_json:
        document(trial)
    else:
        print_tests(terminal, trial, [one.slug for one in files])
    if trial["state"] != TrialState.FINISHED:
        raise CommandError(trial["message"] or "the tests were not run.", word="not_run")
    differing = sum(row["agrees"] is False for row in trial["results"])
    if trial["tests"] != TestsState.PASSED:
        raise Disappointed(f"{counted(differing, 'test')} did not agree")


@policy.command("try")
def attempt(
    policy: Policy, project: Project, commit: Commit = "", workspace: Workspace = "default", as_json: AsJson = False
) -> None:  # fmt: skip
    """Run one policy on a commit, in the sandbox. Exit code 0: passed, or skipped; 1: not passed."""
    file = _file(policy)
    terminal = Terminal(quiet=as_json)
    api = _api()
    body = {"project": project_named(api, project)["id"], "commit": commit}
    if file is not None:
        asked = api.post("/policies/trials", {**body, "slug": file.slug, "code": file.code})
    else:
        asked = api.post(f"/policies/{_policy(api, policy, workspace)}/trials", body)
    terminal.line(
        "Trial of ", bold(file.slug if file else policy), f" on {asked['commit'][:12]} of {project}"
    )
    trial = _waited(api, terminal, asked)
    if as_json:
        document(trial)
    else:
        print_tried(terminal, trial)
    if trial["state"] != TrialState.FINISHED:
        raise CommandError(trial["message"] or "the policy was not run.", word="not_run")
    said = trial["results"][0]["state"]
    if said not in (ResultState.PASSED, ResultState.SKIPPED):
        raise Disappointed(said)


@policy.command("replay")
def replay(
    policy: Policy,
    commits: Commits = 20,
    pull_requests: Pulls = True,
    project: Projects = None,
    version: Number = None,
    workspace: Workspace = "default",
    as_json: AsJson = False,
) -> None:
    """Run a policy on the newest commits of all projects, and compare it with the version in force. Nobody is notified.

    Exit code 0: nothing fails that did not, and nothing breaks; 1: something does.
    """
    file = _file(policy)
    terminal = Terminal(quiet=as_json)
    api = _api()
    chosen = [project_named(api, one)["id"] for one in project or []]
    body: Json = {"commits": commits, "pull_requests": pull_requests, "projects": chosen}
    if file is not None:
        begun = api.post(
            "/policies/replays", {**body, "workspace": workspace, "slug": file.slug, "code": file.code}
        )
    else:
        address = f"/policies/{_policy(api, policy, workspace)}/replays"
        begun = api.post(address, {**body, "version": version})
    terminal.line("Replay of ", bold(begun["policy"]), f" on {counted(begun['counts']['commits'], 'commit')}")
    ended = _replayed(api, terminal, begun)
    if as_json:
        document(ended)
    else:
        print_replay(terminal, ended)
    counts = ended["counts"]
    if ended["state"] != TrialState.FINISHED:
        raise Disappointed(f"{ended['state']}: {ended['message']}")
    if counts["newly_failing"] or counts["errored"] or counts["not_run"]:
        raise Disappointed(
            f"{counts['newly_failing']} newly failing, {counts['errored']} errored, {counts['not_run']} not run"
        )


def _replayed(api: Api, terminal: Terminal, begun: Json) -> Json:
    def look() -> Json | None:
        row: Json = api.get(f"/replays/{begun['id']}")
        return row if TrialState(row["state"]).terminal else None

    try:
        with Phases(terminal) as phases:
            phases.begin("replay")
            ended: Json = until(look)
            phases.end("replay")
    except KeyboardInterrupt:
        raise Interrupted(f"the replay continues. See or cancel it: {begun['page_url']}") from None
    return ended


def _waited(api: Api, terminal: Terminal, asked: Json) -> Json:
    """The trial, once it has ended."""
    with Phases(terminal) as phases:
        queue = Queue(api, phases, sandbox=True)

        def look() -> Json | None:
            row: Json = api.get(f"/trials/{asked['id']}")
            if row["state"] == TrialState.QUEUED:
                queue.look()
            return row if TrialState(row["state"]).terminal else None

        phases.begin("sandbox")
        try:
            trial: Json = until(look)
        except KeyboardInterrupt:
            raise Interrupted(
                f"the trial continues and ends by itself. See it: {asked['page_url']}"
            ) from None
        phases.end("sandbox", trial.get("seconds"))
    return trial


def _file(policy: str) -> PolicyFile | None:
    """The file that was named; None if it is the slug of a policy."""
    if not is_file(policy):
        return None
    (file, *more) = policy_files([Path(policy)])
    if more:
        raise CommandError(
            f"{policy} is a folder with several policies.", fix="Name one of its files", word="usage"
        )
    return file


def _policy(api: Api, slug: str, workspace: str) -> str:
    for row in items(api.get("/policies", workspace=workspace, slug=slug)):
        return str(row["id"])
    known = typed("policies", "list", "--workspace", workspace)
    raise CommandError(
        f"there is no file {slug}, and no policy of that name.",
        fix=f"See the policies: {known}",
        word="not_found",
    )


def _api() -> Api:
    return connect(DataDirectory.from_environment(os.environ))
