"""The list of commands, and how each ends. Every decision is made elsewhere."""

import importlib.metadata
import os
import signal
import sys
import traceback
from typing import Annotated

import typer
from typer.exceptions import TyperException

from seatrial.cli import (
    access,
    agents,
    audit,
    backups,
    deliveries,
    demo,
    doctor,
    evaluations,
    evidence,
    executing,
    forges,
    forwarding,
    glass,
    init,
    keys,
    logs,
    members,
    notices,
    opening,
    orders,
    platform_commands,
    policies,
    policy,
    policy_importing,
    policy_source,
    projects,
    pulls,
    recipe,
    registries,
    reports,
    rescans,
    rollouts,
    scores,
    status,
    terminal,
    tokens,
    variables,
    verifying,
    waivers,
)
from seatrial.cli.errors import INTERRUPTED, USAGE, CommandError, Disappointed, Interrupted
from seatrial.embedded.errors import EmbeddedError
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed

app = typer.Typer(
    name="seatrial",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
Version = Annotated[bool, typer.Option("--version", help="Show the version and exit.")]


@app.callback(invoke_without_command=True)
def seatrial(context: typer.Context, version: Version = False) -> None:
    """Every pull request gets a sea trial: policies in a sandbox, and a live preview."""
    if version:
        terminal.Terminal().line(f"seatrial {importlib.metadata.version('seatrial')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.get_help()  # typer prints it
        raise typer.Exit


app.command()(init.init)
app.command()(platform_commands.up)
app.command()(platform_commands.down)
app.command()(backups.backup)
app.command()(backups.restore)
app.command()(pulls.preview)
app.command()(pulls.check)
app.command()(pulls.close)
app.command()(pulls.undo)
app.command()(orders.extend)
app.command()(orders.pin)
app.command()(orders.unpin)
app.command()(orders.sleep)
app.command()(orders.wake)
app.command()(logs.logs)
app.command("open")(opening.open_preview)
app.command("reset-data")(orders.reset_data)
app.command("save-data")(orders.save_data)
app.command()(orders.snapshots)
app.command("remove-snapshot")(orders.remove_snapshot)
app.command()(evidence.screenshots)
app.command()(evidence.compare)
app.command("exec")(executing.execute)
app.command("port-forward")(forwarding.port_forward)
app.command()(orders.pulls)
app.command()(orders.approve)
app.command()(recipe.recipe)
app.command()(forges.connect)
projects.projects.command("rescan")(rescans.rescan)
app.add_typer(projects.projects, name="projects")
app.add_typer(deliveries.deliveries, name="deliveries")
app.add_typer(waivers.waivers, name="waivers")
app.add_typer(tokens.tokens, name="tokens")
app.add_typer(members.members, name="members")
app.add_typer(audit.audit, name="audit")
policies.policies.command("level")(rollouts.level)
policies.policies.command("ratchet")(rollouts.ratchet)
policies.policies.command("attach")(rollouts.attach)
policies.policies.command("exclude")(rollouts.exclude)
policies.policies.command("detach")(rollouts.detach)
policies.policies.command("break-glass")(glass.break_glass)
policies.policies.command("mend-glass")(glass.mend_glass)
policies.policies.add_typer(policy_source.source, name="source")
app.add_typer(policy_importing.policies, name="policies")
policy.policy.command("run")(rescans.run)
app.add_typer(policy.policy, name="policy")
app.add_typer(access.access, name="access")
app.add_typer(variables.variables, name="variables")
app.add_typer(registries.registry, name="registry")
app.add_typer(keys.keys, name="keys")
app.add_typer(agents.agents, name="agents")
app.add_typer(notices.notices, name="notices")
app.command()(evaluations.evaluations)
app.command()(scores.scores)
app.command()(reports.report)
app.command()(verifying.verify)
app.command()(status.status)
app.command()(doctor.doctor)
app.command()(demo.demo)
app.command()(platform_commands.agent)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)(platform_commands.manage)


def run() -> int:
    """Run the command line and return the exit code. A user never sees a traceback.

    With --json there is always one document on standard output: what was asked for, or the error. Standard error has
    one line when the exit code is not 0, and nothing when it is.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `seatrial status | head` ends quietly
    words = sys.argv[1:]
    as_json = "--json" in (
        words[: words.index("--")] if "--" in words else words
    )  # after --: somebody else's
    try:
        code = app(standalone_mode=False)
    except typer.Exit as leave:
        return leave.exit_code
    except Disappointed as outcome:
        if as_json:
            terminal.error_line(CommandError(str(outcome)))
        return outcome.code
    except (KeyboardInterrupt, Exception) as reason:
        error = _as_command_error(reason)
        (terminal.error_document if as_json else terminal.error)(error)
        return error.code
    return code if isinstance(code, int) else 0


def _as_command_error(reason: BaseException) -> CommandError:
    """Why a command ended, in one form for every kind of reason."""
    if isinstance(reason, CommandError):
        return reason
    if isinstance(reason, (KeyboardInterrupt, typer.Abort, Interrupted)):
        said = str(reason) if isinstance(reason, Interrupted) else "interrupted."
        return CommandError(said, code=INTERRUPTED, word="interrupted")
    if isinstance(reason, TyperException):  # a usage error
        return CommandError(reason.format_message(), fix=f"See: {_help_of(reason)}", word="usage")
    if isinstance(reason, EmbeddedError):
        return platform_commands.as_command_error(reason)
    return _crashed(reason)  # a defect of ours


def _help_of(reason: TyperException) -> str:
    """The command that shows how what was typed is meant to be."""
    names: list[str] = []
    context = getattr(reason, "ctx", None)
    while context is not None and context.parent is not None:  # the outermost is the program itself
        names.insert(0, context.info_name or "")
        context = context.parent
    return typed(*names, "--help")


def _crashed(error: BaseException) -> CommandError:
    report = "".join(traceback.format_exception(error))
    try:
        log = DataDirectory.from_environment(os.environ).logs / "crash.log"
        log.write_text(report)
        where = f"Details: {log}"
    except (OSError, EmbeddedError):
        where = report.strip().splitlines()[-1]
    message = f"a defect in seatrial itself: {type(error).__name__}: {error}"
    return CommandError(message, fix=where, code=USAGE, word="defect")
