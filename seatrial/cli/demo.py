"""`seatrial demo`: the sample application's pull request, from its webhook to a verdict and a live URL."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from seatrial.cli import show
from seatrial.cli.api import Api, Json, PlatformAway, connect
from seatrial.cli.errors import NEGATIVE, CommandError, Interrupted
from seatrial.cli.phases import Phases
from seatrial.cli.pulls import is_live, open_pull, print_environment
from seatrial.cli.repository import read_head
from seatrial.cli.sample import BRANCH, make_repository
from seatrial.cli.terminal import Terminal, bold
from seatrial.cli.verdicts import print_evaluation
from seatrial.cli.waiting import DECIDED, Deployment, items, until
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted
from seatrial.wire.states import ResultState

VERDICT_SECONDS = 120.0


def demo() -> None:
    """Show the main job on a sample application: its pull request, the verdict, the live preview."""
    data = DataDirectory.from_environment(os.environ)
    api = connect(data)
    terminal = Terminal()
    began = time.monotonic()
    path = make_repository(data.demo / "shop")
    terminal.line(f"A sample application is in {path}; its branch {BRANCH} becomes a pull request.")
    try:
        commit = read_head(path, BRANCH).commit
        environment = _deploy(api, path, terminal)
        print_environment(terminal, environment, commit)
        answered = is_live(environment, commit) and _visit(api, terminal, environment)
        terminal.line()
        terminal.line(bold("Policies"))
        evaluation = _verdict(api, path.name, commit, terminal)
    except KeyboardInterrupt:
        raise Interrupted(f"the platform keeps running. Stop it: make stop, or {typed('down')}") from None
    if evaluation:
        print_evaluation(terminal, evaluation)
    _what_next(terminal, data, api, path, time.monotonic() - began)
    if not answered:
        raise CommandError("the preview does not answer.", fix=f"Look: {typed('doctor')}", code=NEGATIVE)
    if not evaluation:
        look = f"Look: {typed('doctor')}, {typed('status')}"
        raise CommandError("no verdict came.", fix=look, code=NEGATIVE)


def _deploy(api: Api, path: Path, terminal: Terminal) -> Json:
    """Open the pull request, see its webhook accepted, wait for its deployment."""
    with Phases(terminal) as phases:
        phases.begin("pull request")
        pull = open_pull(api, read_head(path, BRANCH))
        delivery: Json = until(
            _newest_delivery(api), seconds=60, what="the webhook of the pull request was not delivered"
        )
        phases.end("pull request")
        phases.note(f"number {pull['number']}; its webhook: {delivery['result']}")
        return Deployment(api, pull, phases).wait()


def _verdict(api: Api, project: str, commit: str, terminal: Terminal) -> Json | None:
    """The evaluation that the pull request's webhook started and that ran during the build. None if it is lost."""
    with Phases(terminal) as phases:
        phases.begin("policies")
        try:
            evaluation: Json = until(
                lambda: evaluation_of(api, project, commit), seconds=VERDICT_SECONDS, what="no verdict"
            )
        except PlatformAway:
            raise
        except CommandError:
            return None
        phases.forget("policies")
    return evaluation


def _newest_delivery(api: Api) -> Callable[[], Json | None]:
    """A function that returns the newest pull request event that the webhook intake has stored."""

    def look() -> Json | None:
        deliveries = [one for one in items(api.get("/deliveries")) if one.get("event") == "pull_request"]
        return deliveries[0] if deliveries else None

    return look


def evaluation_of(api: Api, project: str, commit: str) -> Json | None:
    """The newest decided evaluation of the commit, with its results."""
    for one in api.get("/status")["projects"]:
        for evaluation in one["evaluations"] if one["name"] == project else []:
            if evaluation["commit"] == commit and evaluation["state"] in DECIDED:
                return dict(api.get(f"/evaluations/{evaluation['id']}"))
    return None


def _visit(api: Api, terminal: Terminal, environment: Json) -> bool:
    """Fetch each URL as a browser would; names below localhost need not resolve for that."""
    terminal.line()
    terminal.line(bold("Visited through the ingress"))
    well = True
    for url in environment["urls"].values():
        parsed = httpx.URL(url)
        began = time.monotonic()
        try:
            answer = httpx.get(
                parsed.copy_with(host="127.0.0.1"),
                headers={"Host": f"{parsed.host}:{api.remembered.ingress_port}"},
                timeout=10,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            terminal.line("  ", show.mark(ResultState.FAILED), f" {url}  {type(error).__name__}")
            well = False
            continue
        took = (time.monotonic() - began) * 1000
        good = answer.status_code < 500
        well = well and good
        sign = show.mark(ResultState.PASSED if good else ResultState.FAILED)
        size = counted(len(answer.content), "byte")
        terminal.line("  ", sign, f" {url}  {answer.status_code}, {size} in {took:.0f} ms")
    return well


def _what_next(terminal: Terminal, data: DataDirectory, api: Api, path: Path, took: float) -> None:
    password = data.admin_password.read_text().strip()
    terminal.line()
    terminal.line(f"Done in {show.seconds(took)}. Open these:")
    terminal.line("  dashboard  ", bold(api.remembered.site_url), f"  (admin, {password})")
    terminal.line(f"  change it  edit and commit in {path}, then: {typed('preview', str(path))}")
    terminal.line(f"  your own   {typed('preview', 'PATH', '--branch', 'B')}, {typed('check', 'PATH')}")
    terminal.line("  stop       make stop")
