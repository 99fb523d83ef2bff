"""`seatrial up` and `seatrial down`."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli import show
from seatrial.cli.api import connect
from seatrial.cli.errors import CommandError, Interrupted
from seatrial.cli.phases import Phases
from seatrial.embedded import lifecycle, locking, secrets
from seatrial.embedded.components import control
from seatrial.embedded.components.postgres import from_wheel
from seatrial.embedded.errors import EmbeddedError
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices
from seatrial.embedded.progress import Event
from seatrial.embedded.remembered import read
from seatrial.wire.words import RuntimeKind

Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Dashboard and API (APP_PORT).")]
Ingress = Annotated[
    int | None,
    typer.Option("--ingress-port", min=1, max=65535, help="Previews (SEATRIAL_INGRESS_PORT)."),
]
Detach = Annotated[bool, typer.Option("--detach", help="Return when it is ready, and leave it running.")]
Runtime = Annotated[
    str | None,
    typer.Option("--runtime", help="docker, or process: no isolation, for trying out only."),
]
PROCESS_WARNING = (
    "Runtime `process`: no isolation, for trying out only. Run nothing here that you do not trust."
)


def up(
    port: Port = None, ingress_port: Ingress = None, runtime: Runtime = None, detach: Detach = False
) -> None:
    """Start the platform: web, worker, bus, ingress, database and one agent, in one data directory."""
    if runtime not in {None, *RuntimeKind}:
        raise CommandError(f"there is no runtime {runtime}.", fix=f"Choose {' or '.join(RuntimeKind)}")
    data = DataDirectory.from_environment(os.environ)
    choices = Choices(port, ingress_port, runtime)
    if locking.running(data):
        _already(data)
        return
    screen = _Screen()
    try:
        with screen.phases:
            start = lifecycle.start_detached if detach else lifecycle.run
            start(data, choices, os.environ, screen)
    except locking.AlreadyRuns:
        _already(data)
    except KeyboardInterrupt:
        raise Interrupted(
            "seatrial is stopped; previews and data are kept. Start it again: seatrial up"
        ) from None


def _already(data: DataDirectory) -> None:
    remembered = read(data.platform_file)
    where = f" at {remembered.site_url}" if remembered else ""
    show.console().print(f"seatrial already runs{where}. Stop it: seatrial down")


class _Screen:
    """Shows progress as lines, and at the end of a start the addresses and commands that a person needs next."""

    def __init__(self) -> None:
        self.console = show.console()
        self.phases = Phases(self.console)

    def __call__(self, event: Event) -> None:
        if event.kind == "begin":
            self.phases.begin(event.text)
        elif event.kind == "end":
            self.phases.end(event.text, event.seconds)
        elif event.kind == "note":
            self.phases.note(event.text)
        elif event.kind == "ready":
            self._ready(event.text)

    def _ready(self, url: str) -> None:
        self.phases.__exit__(None, None, None)
        data = DataDirectory.from_environment(os.environ)
        remembered = read(data.platform_file)
        if remembered and remembered.runtime == RuntimeKind.PROCESS:
            self.console.print(f"[yellow]! {PROCESS_WARNING}[/]")
        self.console.print(f"seatrial runs at [bold]{url}[/]")
        self.console.print(f"  sign in   admin, password: cat {shlex.quote(str(data.admin_password))}")
        self.console.print("  preview   seatrial preview PATH --branch B")
        self.console.print("  stop      seatrial down (keeps previews and data; --purge removes everything)")


Purge = Annotated[bool, typer.Option("--purge", help="Remove every preview and all data, too.")]


def down(purge: Purge = False) -> None:
    """Stop the platform. Previews and data are kept for the next `up`, unless --purge."""
    data = DataDirectory.from_environment(os.environ)
    screen = _Screen()
    try:
        with screen.phases:
            report = lifecycle.stop(data, os.environ, screen, purge=purge)
    except KeyboardInterrupt:
        again = "seatrial down --purge" if purge else "seatrial down"
        raise Interrupted(f"interrupted; some processes may still run. Go on with: {again}") from None
    screen.console.print(report)


def as_command_error(error: EmbeddedError) -> CommandError:
    """`error`, an error of the embedded platform, as a CommandError."""
    return CommandError(str(error), fix=error.fix)


def agent() -> None:
    """Run an agent alone, as on a further Docker host. Settings: docs/settings.md."""
    program = str(Path(sys.executable).parent / "galley-agent")
    os.execv(program, [program])  # noqa: S606  the agent takes this process over, signals and all


def manage(context: typer.Context) -> None:
    """Run a command of the control plane on this platform: `manage add_person NAME --role developer`."""
    data = DataDirectory.from_environment(os.environ)
    remembered = connect(data).remembered
    database = {} if os.environ.get("DB_HOST") else from_wheel(data.postgres).environment()
    environment = control.environment(data, remembered, secrets.ensure(data), database, os.environ)
    line = [sys.executable, "-m", "seatrial.control.manage", *context.args]
    os.execve(line[0], line, environment)  # noqa: S606  as with the agent
