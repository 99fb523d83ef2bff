"""`seatrial keys`: every key of the server, and rotating those that nothing else rotates."""

import os
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from seatrial.cli.api import Api, Json, connect
from seatrial.cli.errors import CommandError, Disappointed
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import moment
from seatrial.cli.terminal import Terminal, bold, document, note, warning
from seatrial.cli.waiting import until
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed
from seatrial.wire.counted import counted

keys = typer.Typer(help="The keys of this server: list, rotate, verify.", no_args_is_help=True)


class Rotatable(StrEnum):
    """What `rotate` takes. Other keys have their own commands: `keys list` names them."""

    MASTER_KEY = "master-key"
    SECRET_KEY = "secret-key"  # noqa: S105  words
    SIGNING_KEY = "signing-key"


class Forgettable(StrEnum):
    """What has former keys in the data directory."""

    MASTER_KEY = "master-key"
    SECRET_KEY = "secret-key"  # noqa: S105


Which = Annotated[Rotatable, typer.Argument(metavar="KEY", help="master-key, secret-key or signing-key.")]
Whose = Annotated[Forgettable, typer.Argument(metavar="KEY", help="master-key or secret-key.")]


@keys.command("list")
def listed(as_json: AsJson = False) -> None:
    """List every kind of key: what it is for, when one was rotated last, and how to. It takes the instance admin."""
    answer = _api().get("/keys")
    if as_json:
        document(answer)
        return
    terminal = Terminal()
    for row in answer["keys"]:
        count = "" if row["count"] is None else f" ({row['count']})"
        rotated = f"rotated {moment(row['rotated_at'])}" if row["rotated_at"] else "not rotated yet"
        terminal.line(bold(row["name"]), count, note(f"  {rotated}"))
        terminal.line("  ", row["purpose"], note(f"  {row['command']}"))
    _state(terminal, answer["master_key"])
    for one in answer["lost"]:
        terminal.line(warning(f"  lost: {one['what']}. {one['how']}"))


@keys.command("rotate")
def rotate(key: Which, as_json: AsJson = False) -> None:
    """Rotate a key while everything runs. It takes the instance admin."""
    match key:
        case Rotatable.MASTER_KEY:
            _rotate_master_key(as_json)
        case Rotatable.SECRET_KEY:
            _rotate_secret_key(as_json)
        case Rotatable.SIGNING_KEY:
            answer = _api().post("/keys/signing-key/rotate")
            _said(answer, f"Results are signed with the key {answer['key_id']} from now on.", as_json)


@keys.command("rewrap")
def rewrap(as_json: AsJson = False) -> None:
    """Seal every stored secret anew with the newest master key, wait for it, and verify. It takes the instance admin."""
    _rewrapped(_api(), as_json)


@keys.command("verify")
def verify(as_json: AsJson = False) -> None:
    """Open every stored secret with the newest master key alone; exit code 1 if that fails. It takes the instance admin."""
    _verified(_api(), as_json)


@keys.command("forget")
def forget(key: Whose, as_json: AsJson = False) -> None:
    """Remove the former keys from the data directory; of the master key only if the newest one opens everything."""
    from seatrial.embedded import rotating

    data, api = _data(), _api()
    if key is Forgettable.MASTER_KEY and (failed := api.post("/keys/master-key/verify")["failed"]):
        raise CommandError(
            f"{counted(failed, 'stored secret')} cannot be opened without the former master keys.",
            fix=f"Look: {typed('keys', 'verify')}",
        )
    count = rotating.forget(data, data.keys / key)
    if key is Forgettable.SECRET_KEY:
        _restarted(data, api, rotating.restart)
    _said({"forgotten": count}, f"{counted(count, 'former key')} removed. Backups may need them.", as_json)


def _rotate_master_key(as_json: bool) -> None:
    # Slow, and every command imports this module.
    from seatrial.dotenv.keys import master_key
    from seatrial.embedded import rotating

    data, api = _data(), _api()
    state = api.get("/keys")["master_key"]
    over = state["newest"] == state["sealing"] and not state["behind"] and state["fallbacks"]
    if over or not rotating.has_former(data, data.master_key):  # else one that was interrupted goes on
        rotating.replace(data, data.master_key, master_key())
    newest = rotating.key_id(data.master_key)
    if api.get("/keys")["master_key"]["newest"] != newest:
        raise CommandError(
            f"the new master key {newest} is in {data.master_key}, and this platform was started by a release that does not see it.",
            fix=f"Start it again: {typed('down')} && {typed('up', '--detach')} && {typed('keys', 'rewrap')}",
        )
    _rewrapped(api, as_json)
    if not as_json:
        Terminal().line(
            note(
                f"  The former keys stay in {data.former(data.master_key)}: backups from before need them. "
                f"Without them: {typed('keys', 'forget', 'master-key')}"
            )
        )


def _rotate_secret_key(as_json: bool) -> None:
    from seatrial.dotenv.keys import secret_key
    from seatrial.embedded import rotating

    data, api = _data(), _api()
    rotating.replace(data, data.secret_key, secret_key())
    _restarted(data, api, rotating.restart)
    said = (
        "Another key signs sessions from now on. Nobody has to sign in anew, because the former ones still count. "
        f"End that when everybody was here once: {typed('keys', 'forget', 'secret-key')}"
    )
    _said({"rotated": True}, said, as_json)


def _rewrapped(api: Api, as_json: bool) -> None:
    api.post("/keys/master-key/rewrap")

    def done() -> Json | None:
        state: Json = api.get("/keys")["master_key"]
        return None if state["behind"] else state

    until(done)
    _verified(api, as_json)


def _verified(api: Api, as_json: bool) -> None:
    found = api.post("/keys/master-key/verify")
    if as_json:
        document(found)
    else:
        terminal = Terminal()
        terminal.line(f"The newest master key opens {counted(found['opened'], 'stored secret')}.")
        for one in found["closed"]:
            terminal.line(warning(f"  {one['reason']}"))
        if found["failed"]:
            terminal.line("Keep the former keys until this list is empty.")
    if found["failed"]:
        raise Disappointed(
            f"{counted(found['failed'], 'stored secret')} cannot be opened with the newest master key."
        )


def _restarted(data: DataDirectory, api: Api, restart: Callable[[DataDirectory, str], None]) -> None:
    for name in ("web", "worker"):
        restart(data, name)
    until(lambda: api.get("/keys"))


def _state(terminal: Terminal, state: Json) -> None:
    if state["newest"] != state["sealing"]:
        terminal.line(
            warning(f"  The master key {state['newest']} is ready: {typed('keys', 'rewrap')} has it seal.")
        )
    elif state["behind"]:
        terminal.line(warning(f"  Re-wrapping: {counted(state['behind'], 'stored secret')} to go."))


def _said(answer: Json, words: str, as_json: bool) -> None:
    if as_json:
        document(answer)
    else:
        Terminal().line(words)


def _data() -> DataDirectory:
    return DataDirectory.from_environment(os.environ)


def _api() -> Api:
    return connect(_data())
