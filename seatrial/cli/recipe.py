"""`seatrial recipe`: the Dockerfile that previews of a repository without a recipe are built from."""

import os
import stat
from pathlib import Path
from typing import Annotated

import typer

from seatrial.cli.errors import NEGATIVE, CommandError
from seatrial.cli.pulls import AsJson
from seatrial.cli.repository import tracked
from seatrial.cli.terminal import Terminal, bold, document, note, warning
from seatrial.detection import MAX_BYTES, RECIPES, Nothing, Plan, detect, files_of, wanted
from seatrial.embedded.typed import typed

Repository = Annotated[
    Path, typer.Argument(metavar="PATH", help="A git repository. Its files are read as git tracks them.")
]
Write = Annotated[bool, typer.Option("--write", help="Write it as Dockerfile, which you then own.")]


def recipe(path: Repository = Path(), write: Write = False, as_json: AsJson = False) -> None:
    """Show the Dockerfile that is detected for a repository without a recipe, and why it is like that."""
    top, paths = tracked(path)
    own = next((name for name in RECIPES if name in paths), None)
    plan = detect(files_of(paths, {name: _read(top / name) for name in wanted(paths)}))
    if write:
        _may_write(top, own)
    if isinstance(plan, Nothing):
        raise CommandError(
            f"{top} says nowhere how to run it. {plan}.",
            fix="Add a galley.yml, a compose file or a Dockerfile",
            code=NEGATIVE,
            word="no_recipe",
        )
    written = _written(top, plan) if write else None
    if as_json:
        document(_document(top, own, plan, written))
    else:
        _show(top, own, plan, written)


def _read(file: Path) -> bytes | None:
    """The bytes of a regular file that is not too large; what else a checkout may have in its place is left alone."""
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            return None
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError:
        return None


def _may_write(top: Path, own: str | None) -> None:
    if own is not None and own != "Dockerfile":
        raise CommandError(
            f"{top} has a recipe: {own}. A Dockerfile beside it would not be looked for.",
            fix=f"Name it in {own}, or remove {own}",
            word="conflict",
        )
    if os.path.lexists(top / "Dockerfile"):
        raise CommandError(
            f"{top / 'Dockerfile'} exists, and nothing was written.",
            fix="Move it away, and run this again",
            word="conflict",
        )


def _written(top: Path, plan: Plan) -> Path:
    file = top / "Dockerfile"
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(plan.dockerfile)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
    return file


def _document(top: Path, own: str | None, plan: Plan, written: Path | None) -> dict[str, object]:
    return {
        "path": str(top),
        "recipe": own,
        "title": plan.title,
        "port": plan.port,
        "reasons": [one._asdict() for one in plan.reasons],
        "dockerfile": plan.dockerfile,
        "written": str(written) if written else None,
    }


def _show(top: Path, own: str | None, plan: Plan, written: Path | None) -> None:
    terminal = Terminal()
    if own:
        terminal.line(warning(f"{own} is this repository's recipe. Without it, this would be used:"))
    if written is None:
        terminal.lines(plan.dockerfile.rstrip("\n"), before="")
        terminal.line(note(f"# To own it: {typed('recipe', '--write')}"))
        return
    terminal.line("Wrote ", bold(str(written)), f": {plan.title}.")
    for one in plan.reasons:
        terminal.line(f"  {one.file} ", note(one.says))
    terminal.line("Change it as you like, and commit it: it is the recipe from then on.")
