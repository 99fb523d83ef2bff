"""`seatrial up` and `seatrial down`."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.api import connect
from seatrial.cli.errors import CommandError, Interrupted
from seatrial.cli.phases import Phases
from seatrial.cli.terminal import Terminal, bold, warning
from seatrial.embedded import lifecycle, locking, secrets
from seatrial.embedded.components import control
from seatrial.embedded.errors import EmbeddedError
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.preflight import Choices
from seatrial.embedded.progress import Event
from seatrial.embedded.remembered import Remembered, read
from seatrial.embedded.typed import typed
from seatrial.wire.words import RuntimeKind

Port = Annotated[
    int | None, typer.Option("--port", min=1, max=65535, help="Port of dashboard and API (APP_PORT).")
]
Ingress = Annotated[
    int | None,
    typer.Option("--ingress-port", min=1, max=65535, help="Port of previews (SEATRIAL_INGRESS_PORT)."),
]
Detach = Annotated[
    bool, typer.Option("--detach", help="Return when the platform is ready, and leave it running.")
]
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
        _already(data, choices)
        return
    screen = _Screen()
    try:
        with screen.phases:
            start = lifecycle.start_detached if detach else lifecycle.run
            start(data, choices, os.environ, screen)
    except locking.AlreadyRuns:
        _already(data, choices)
    except KeyboardInterrupt:
        raise Interrupted(
            f"seatrial is stopped; previews and data are kept. Start it again: {typed('up')}"
        ) from None


def _already(data: DataDirectory, choices: Choices) -> None:
    """Say where it runs. Raises CommandError if something else was asked for, because nothing is changed."""
    remembered = read(data.platform_file)
    if remembered is None:
        Terminal().line(f"seatrial is being started already. See: {typed('status')}")
        return
    if other := _others(choices, remembered):
        again = typed("up", *(word for flag, _, asked in other for word in (flag, asked)))
        raise CommandError(
            f"seatrial already runs at {remembered.site_url}, "
            + " and ".join(f"with {flag} {present}" for flag, present, _ in other)
            + ". This changes only with a new start.",
            fix=f"Change it (previews and data are kept): {typed('down')} && {again}",
        )
    terminal = Terminal()
    terminal.line("seatrial already runs at ", bold(remembered.site_url))
    _sign_in(terminal, data)
    terminal.line(f"  stop      {typed('down')}")


def _others(choices: Choices, remembered: Remembered) -> list[tuple[str, str, str]]:
    """Each flag that asks for something else than there is: flag, present value, wanted value."""
    compared: list[tuple[str, int | str, int | str | None]] = [
        ("--port", remembered.port, choices.port),
        ("--ingress-port", remembered.ingress_port, choices.ingress_port),
        ("--runtime", remembered.runtime, choices.runtime),
    ]
    return [
        (flag, str(present), str(asked))
        for flag, present, asked in compared
        if asked is not None and asked != present
    ]


def _sign_in(terminal: Terminal, data: DataDirectory) -> None:
    password = shlex.join(["cat", str(data.admin_password)])
    terminal.line(f"  sign in   as admin; the first password: {password}")


class _Screen:
    """Shows progress as lines, and at the end of a start the addresses and commands that a person needs next."""

    def __init__(self) -> None:
        self.terminal = Terminal()
        self.phases = Phases(self.terminal)

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
            self.terminal.line(warning(PROCESS_WARNING))
        self.terminal.line("seatrial runs at ", bold(url))
        _sign_in(self.terminal, data)
        self.terminal.line(f"  preview   {typed('preview', 'PATH', '--branch', 'B')}")
        self.terminal.line(
            f"  stop      {typed('down')} (keeps previews and data; --purge removes everything)"
        )


Purge = Annotated[bool, typer.Option("--purge", help="Remove every preview and all data, too.")]


def down(purge: Purge = False) -> None:
    """Stop the platform. Previews and data are kept for the next `up`, unless --purge."""
    data = DataDirectory.from_environment(os.environ)
    screen = _Screen()
    try:
        with screen.phases:
            report = lifecycle.stop(data, os.environ, screen, purge=purge)
    except KeyboardInterrupt:
        again = typed("down", "--purge") if purge else typed("down")
        raise Interrupted(f"interrupted; some processes may still run. Go on with: {again}") from None
    screen.terminal.line(report)


def as_command_error(error: EmbeddedError) -> CommandError:
    """`error`, an error of the embedded platform, as a CommandError."""
    return CommandError(str(error), fix=error.fix)


def agent() -> None:
    """Run only an agent, as on another Docker host. Settings: docs/settings.md."""
    program = str(Path(sys.executable).parent / "galley-agent")
    os.execv(program, [program])  # noqa: S606  the agent takes this process over, signals and all


# Of Django's own commands those that somebody who operates a platform needs. The rest is for developing a Django
# program, or empties the database without a question.
MANAGED = {
    "airgap_setup": "prepare an install on a network without internet",
    "airgap_smoketest": "find out whether it reaches its GitLab, runs sandboxes, and is isolated (--check-isolation)",
    "audit_verify": "verify that nobody changed the audit log (--head NUMBER:HASH)",
    "add_person": "make an account with a role, or change somebody's role",
    "agent_token": "make a token with which an agent joins, or joins again after a restore",
    "changepassword": "set somebody's password",
    "check": "look for mistakes in the settings",
    "clearsessions": "delete sessions that have expired",
    "give_up_lost_key": "go on with another master key although the one before is lost",
    "invite": "let in one account of GitHub, GitLab, Gitea or Google, or take that back",
    "migrate": "bring the database to this version",
    "rewrap_keys": "seal every stored secret anew with the newest master key; --verify only checks",
    "rotate_signing_key": "have another key sign results from now on",
    "remove_second_factor": "let somebody in who has lost their passkeys, app and recovery codes",
    "showmigrations": "list the steps of that, and which are done",
}
# All that `migrate` may be given: with the name of an app it goes back and drops tables, with --fake it only says it did.
MIGRATE = {"--plan", "--check", "-h", "--help"}


def manage(context: typer.Context) -> None:
    """Run an operator's command of the control plane, such as `manage add_person NAME --role developer`. Without one, list them."""
    # Slow, and every command imports this module.
    from seatrial.embedded.components.postgres import from_wheel

    name = context.args[0] if context.args else ""
    if name in {"", "-h", "--help", "help"}:
        _list_managed()
        return
    if name not in MANAGED:
        raise CommandError(f"manage has no command {name}.", fix=f"Choose one of: {', '.join(MANAGED)}")
    if name == "migrate" and (others := [word for word in context.args[1:] if word not in MIGRATE]):
        raise CommandError(
            f"migrate takes no {others[0]} here: it brings the database to this version, never back.",
            fix=f"Run: {typed('manage', 'migrate')}, or look first: {typed('manage', 'migrate', '--plan')}",
        )
    data = DataDirectory.from_environment(os.environ)
    remembered = connect(data).remembered
    database = {} if os.environ.get("DB_HOST") else from_wheel(data.postgres).environment()
    environment = control.environment(data, remembered, secrets.ensure(data), database, os.environ)
    line = [sys.executable, "-m", "seatrial.control.manage", *context.args]
    os.execve(line[0], line, environment)  # noqa: S606  as with the agent


def _list_managed() -> None:
    terminal = Terminal()
    terminal.line(f"{typed('manage')} COMMAND, while the platform runs; for its arguments: COMMAND --help")
    for name, purpose in MANAGED.items():
        terminal.line(f"  {name:<18} {purpose}")
