"""The list of commands, and how each ends. Every decision is made elsewhere."""

import os
import signal
import traceback

import typer
from typer.exceptions import TyperException

from seatrial.cli import demo, doctor, platform_commands, pulls, show, status
from seatrial.cli.errors import INTERRUPTED, USAGE, CommandError, Interrupted
from seatrial.embedded.errors import EmbeddedError
from seatrial.embedded.layout import DataDirectory

app = typer.Typer(
    name="seatrial",
    help="Every pull request gets a sea trial: policies in a sandbox, and a live preview.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(platform_commands.up)
app.command()(platform_commands.down)
app.command()(pulls.preview)
app.command()(pulls.check)
app.command()(pulls.close)
app.command()(status.status)
app.command()(doctor.doctor)
app.command()(demo.demo)
app.command()(platform_commands.agent)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)(platform_commands.manage)


def run() -> int:
    """Run the command line and return the exit code. A user never sees a traceback."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `seatrial status | head` ends quietly
    try:
        code = app(standalone_mode=False)
    except typer.Exit as leave:
        return leave.exit_code
    except (KeyboardInterrupt, typer.Abort):
        show.error(CommandError("interrupted."))
        return INTERRUPTED
    except Exception as error:
        return _ended_by(error)
    return code if isinstance(code, int) else 0


def _ended_by(error: Exception) -> int:
    """Report why a command ended, in the form for each kind of error."""
    if isinstance(error, TyperException):  # a usage error, which typer shows in its own form if it can
        message = error.format_message()
        show.error(CommandError(message, fix="See: seatrial --help, seatrial COMMAND --help"))
        return USAGE
    if isinstance(error, Interrupted):
        show.error(CommandError(str(error)))
        return INTERRUPTED
    if isinstance(error, EmbeddedError):
        error = platform_commands.as_command_error(error)
    if isinstance(error, CommandError):
        show.error(error)
        return error.code
    return _crashed(error)  # a defect of ours


def _crashed(error: Exception) -> int:
    report = traceback.format_exc()
    try:
        log = DataDirectory.from_environment(os.environ).logs / "crash.log"
        log.write_text(report)
        where = f"Details: {log}"
    except (OSError, EmbeddedError):
        where = report.strip().splitlines()[-1]
    show.error(CommandError(f"a defect in seatrial itself: {type(error).__name__}: {error}", fix=where))
    return USAGE
