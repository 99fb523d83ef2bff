"""`seatrial demo`: the sample application's pull request, from its webhook to a verdict and a live URL."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape

from seatrial.cli import show
from seatrial.cli.api import Api, Json, PlatformAway, connect
from seatrial.cli.errors import NEGATIVE, CommandError, Interrupted
from seatrial.cli.phases import Phases
from seatrial.cli.pulls import open_pull, print_environment
from seatrial.cli.repository import read_head
from seatrial.cli.sample import BRANCH, make_repository
from seatrial.cli.verdicts import print_evaluation
from seatrial.cli.waiting import DECIDED, Deployment, items, until
from seatrial.embedded.layout import DataDirectory
from seatrial.wire.states import DeploymentState, ResultState

VERDICT_SECONDS = 120.0


def demo() -> None:
    """Show the main job on a sample application: its pull request, the verdict, the live preview."""
    data = DataDirectory.from_environment(os.environ)
    api = connect(data)
    console = show.console()
    began = time.monotonic()
    path = make_repository(data.demo / "shop")
    console.print(
        f"A sample application is in {escape(str(path))}; its branch {BRANCH} becomes a pull request."
    )
    try:
        environment = _deploy(api, path, console)
        print_environment(console, environment)
        live = environment["deployment"]["state"] == DeploymentState.LIVE
        answered = live and _visit(api, console, environment)
        console.print("\n[bold]Policies[/]")
        evaluation = _verdict(api, path, console)
    except KeyboardInterrupt:
        raise Interrupted("the platform keeps running. Stop it: make stop, or seatrial down") from None
    if evaluation:
        print_evaluation(console, evaluation)
    _what_next(console, data, api, path, time.monotonic() - began)
    if not answered:
        raise CommandError("the preview does not answer.", fix="Look: seatrial doctor", code=NEGATIVE)
    if not evaluation:
        raise CommandError("no verdict came.", fix="Look: seatrial doctor, seatrial status", code=NEGATIVE)


def _deploy(api: Api, path: Path, console: Console) -> Json:
    """Open the pull request, see its webhook accepted, wait for its deployment."""
    with Phases(console) as phases:
        phases.begin("pull request")
        pull = open_pull(api, read_head(path, BRANCH))
        delivery: Json = until(
            _newest_delivery(api), seconds=60, what="the webhook of the pull request was not delivered"
        )
        phases.end("pull request")
        phases.note(f"number {pull['number']}; its webhook: {delivery['result']}")
        return Deployment(api, pull, phases).wait()


def _verdict(api: Api, path: Path, console: Console) -> Json | None:
    """The evaluation that the pull request's webhook started and that ran during the build. None if it is lost."""
    commit = read_head(path, BRANCH).commit
    with Phases(console) as phases:
        phases.begin("policies")
        try:
            evaluation: Json = until(
                lambda: _evaluation(api, path.name, commit), seconds=VERDICT_SECONDS, what="no verdict"
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


def _evaluation(api: Api, project: str, commit: str) -> Json | None:
    """The newest decided evaluation of the commit, with its results."""
    for one in api.get("/status")["projects"]:
        for evaluation in one["evaluations"] if one["name"] == project else []:
            if evaluation["commit"] == commit and evaluation["state"] in DECIDED:
                return dict(api.get(f"/evaluations/{evaluation['id']}"))
    return None


def _visit(api: Api, console: Console, environment: Json) -> bool:
    """Fetch each URL as a browser would; names below localhost need not resolve for that."""
    console.print("\n[bold]Visited through the ingress[/]")
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
            console.print(f"  {show.mark(ResultState.FAILED)} {url}  {type(error).__name__}")
            well = False
            continue
        took = (time.monotonic() - began) * 1000
        good = answer.status_code < 500
        well = well and good
        sign = show.mark(ResultState.PASSED if good else ResultState.FAILED)
        console.print(f"  {sign} {url}  {answer.status_code}, {len(answer.content):,} bytes in {took:.0f} ms")
    return well


def _what_next(console: Console, data: DataDirectory, api: Api, path: Path, took: float) -> None:
    password = data.admin_password.read_text().strip()
    console.print(f"\nDone in {show.seconds(took)}. Open these:")
    console.print(f"  dashboard  [bold]{api.remembered.site_url}[/]  (admin, {escape(password)})")
    console.print(
        f"  change it  edit and commit in {escape(str(path))}, then: seatrial preview {escape(str(path))}"
    )
    console.print("  your own   .venv/bin/seatrial preview PATH --branch B, .venv/bin/seatrial check PATH")
    console.print("  stop       make stop")
