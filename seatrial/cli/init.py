"""`seatrial init`: five questions, and a complete `.env` for an install with Compose. What is in it: `seatrial.dotenv`."""

import importlib.metadata
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seatrial.cli import terminal
from seatrial.cli.errors import CommandError, Disappointed
from seatrial.cli.terminal import Terminal, bold, note, warning
from seatrial.embedded.typed import typed

if TYPE_CHECKING:
    from seatrial.dotenv.questions import Draft, Question
    from seatrial.dotenv.variable import Install

Kind = Annotated[str, typer.Option("--kind", help="one-host or air-gapped.")]
Site = Annotated[str, typer.Option("--site-url", help="Address of this server for people and the code host.")]
Previews = Annotated[str, typer.Option("--preview-domain", help="Previews answer below this domain.")]
Forge = Annotated[
    str,
    typer.Option(
        "--forge", help="Code host that signs people in: none, github, gitlab or gitea, and its address."
    ),
]
Authorities = Annotated[
    str, typer.Option("--ca-file", help="PEM file with the certificates of your own authorities, or none.")
]
Tag = Annotated[str, typer.Option("--tag", help="Image tag: the release to run.")]
Place = Annotated[Path, typer.Option("--file", help="The file to write.")]
Force = Annotated[
    bool, typer.Option("--force", help="Write an existing file anew; its keys and its other values stay.")
]
Print = Annotated[bool, typer.Option("--print", help="Print the file instead of writing it.")]
Check = Annotated[
    bool, typer.Option("--check", help="Only check the existing file, and say all that is wrong.")
]


def init(
    kind: Kind = "",
    site_url: Site = "",
    preview_domain: Previews = "",
    forge: Forge = "",
    ca_file: Authorities = "",
    tag: Tag = "",
    file: Place = Path(".env"),
    force: Force = False,
    show: Print = False,
    check: Check = False,
) -> None:
    """Write the .env of an install with Compose, after five questions at most; or check one."""
    from seatrial.dotenv.questions import questions

    if check:
        _check(file, kind)
        return
    given = dict(
        zip(
            (one.option for one in questions(here=not show)),
            (kind, site_url, preview_domain, forge, ca_file),
            strict=True,
        )
    )
    kept = _kept(file, force=force, show=show)
    draft = _draft(kept, tag)
    _ask(draft, questions(here=not show), given)
    _finish(draft, file, force=force, show=show)


def _kept(file: Path, *, force: bool, show: bool) -> dict[str, str]:
    """What stays of an earlier file. Raises CommandError if there is one that must not be touched."""
    if not force:
        if not show and (file.exists() or file.is_symlink()):
            again, check = typed("init", "--force", *_at(file)), typed("init", "--check", *_at(file))
            raise CommandError(
                f"{file} exists, and nothing was written.",
                fix=f"Write it anew and keep its keys: {again}\nCheck it: {check}",
            )
        return {}
    return _values(file) if file.exists() else {}


def _values(file: Path) -> dict[str, str]:
    from seatrial.dotenv.file import Unreadable, read

    try:
        found = read(file)
    except Unreadable as error:
        raise CommandError(f"{error}.", fix="Nothing was written.") from error
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.", fix="Nothing was written.") from error
    if found.repeated:
        names = ", ".join(found.repeated)
        raise CommandError(
            f"{file} has more than one line with {names}.",
            fix="Remove those that do not count: of each, the last one does",
        )
    return dict(found.values)


def _draft(kept: dict[str, str], tag: str) -> "Draft":
    from seatrial.dotenv.questions import defaults

    release = tag or kept.get("TAG") or os.environ.get("TAG") or importlib.metadata.version("seatrial")
    return defaults(_install(kept), release, kept)


def _install(kept: dict[str, str]) -> "Install":
    from seatrial.dotenv.variable import Install

    closed = "GITGRIT_ENCRYPTION_KEY" in kept and "GALLEY_MASTER_KEY" not in kept
    return Install.AIR_GAPPED if closed else Install.ONE_HOST


def _ask(draft: "Draft", questions: "tuple[Question, ...]", given: dict[str, str]) -> None:
    """Take the options; ask a person for the rest, again if an answer cannot be; a script gets the defaults."""
    from seatrial.dotenv.questions import Unfit

    wrong: list[str] = []
    for one in questions:
        typed_here = not given[one.option] and sys.stdin.isatty()
        while True:
            usual = one.default(draft)
            text = given[one.option] or (
                str(typer.prompt(one.text, default=usual, err=True)) if typed_here else usual
            )
            try:
                one.answer(draft, text)
            except Unfit as error:
                if typed_here:
                    Terminal(errors=True).line(warning(str(error)))
                    continue
                wrong.append(f"{one.option}: {error}")
            break
    if wrong:
        raise CommandError("\n".join(wrong), fix="Nothing was written.", word="usage")


def _finish(draft: "Draft", file: Path, *, force: bool, show: bool) -> None:
    from seatrial.dotenv import checking, writing
    from seatrial.dotenv import file as dotenv_file
    from seatrial.dotenv.questions import Unfit

    try:
        values = writing.complete(draft)
    except Unfit as error:
        raise CommandError(str(error), fix="Nothing was written.") from error
    found = checking.examine(draft.install, values)
    if found.problems:
        raise CommandError("\n".join(found.problems), fix="Nothing was written.")
    try:
        content = dotenv_file.text(draft.install, values)
        if show:
            terminal.file(content)
        else:
            dotenv_file.write(file, content, replace=force)
    except FileExistsError as error:
        raise CommandError(
            f"{file} exists, and nothing was written.", fix=typed("init", "--force", *_at(file))
        ) from error
    except dotenv_file.Unreadable as error:
        raise CommandError(f"{error}.", fix="Nothing was written.") from error
    except OSError as error:
        raise CommandError(
            f"{file} cannot be written: {error.strerror}.", fix="Choose another with --file"
        ) from error
    _say_next(draft, values, found.warnings, file, show=show)


def _say_next(
    draft: "Draft", values: dict[str, str], warnings: tuple[str, ...], file: Path, *, show: bool
) -> None:
    from seatrial.dotenv import writing

    screen = Terminal(errors=show)  # standard output is the file
    if not show:
        screen.line(
            "Written: ", bold(str(file)), note(" (readable by you alone; keep a copy of its keys elsewhere)")
        )
    for one in warnings:
        screen.line(warning(one))
    for address in writing.callbacks(values):
        screen.line(
            "Make an OAuth application at the code host with this redirect URI, and put its id and secret into the file:"
        )
        screen.line("  ", bold(address))
    screen.line("Next:" if not show else "Next, in the folder of the compose file:")
    for command in writing.next_commands(draft.install, None if show else file.absolute().parent):
        screen.line(f"  {command}")


def _check(file: Path, kind: str) -> None:
    from seatrial.dotenv import checking
    from seatrial.dotenv.questions import Unfit, install_of

    if not file.exists():
        raise CommandError(f"there is no {file}.", fix=f"Write one: {typed('init', *_at(file))}")
    values = _values(file)
    try:
        install = install_of(kind) if kind else _install(values)
    except Unfit as error:
        raise CommandError(f"--kind: {error}.", word="usage") from error
    found = checking.examine(install, values)
    screen = Terminal()
    for one in found.problems:
        screen.line("✗ ", one)
    for one in found.warnings:
        screen.line(warning(one))
    if found.problems:
        raise Disappointed(f"{file} is not right")
    screen.line(f"✓ {file} is right for {install}")


def _at(file: Path) -> list[str]:
    return [] if file == Path(".env") else ["--file", str(file)]
