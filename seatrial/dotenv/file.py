"""The file itself: read without losing a line, written whole or not at all."""

import os
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import groupby
from pathlib import Path

from dotenv.parser import parse_stream

from seatrial import files
from seatrial.dotenv.table import default, variables
from seatrial.dotenv.variable import Install, Variable

MODE = 0o600  # it holds every secret of the install
# Compose, a shell and `docker run --env-file` read these without quotes, and all the same.
PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=~*-]*")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
HEAD = {
    Install.ONE_HOST: "Settings of Seatrial on one host, beside compose.yaml.",
    Install.AIR_GAPPED: "Settings of Seatrial without internet, beside docker-compose.full.yaml.",
}


class Unreadable(ValueError):
    """The file is there, and is no file of variables."""


@dataclass(frozen=True)
class Dotenv:
    """The variables of a file, bare as Compose reads them, and those that stand there twice."""

    values: Mapping[str, str]
    repeated: tuple[str, ...] = ()


def read(path: Path) -> Dotenv:
    """The variables of a file. Raises Unreadable, with the line and the fix, and OSError."""
    try:
        return parse(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable(f"{path} is not text. Save it as UTF-8") from None
    except Unreadable as error:
        raise Unreadable(f"{path}, {error}") from None


def parse(text: str) -> Dotenv:
    """The variables of a text. Raises Unreadable."""
    values: dict[str, str] = {}
    repeated = []
    for one in parse_stream(StringIO(text.replace("\r\n", "\n").replace("\r", "\n"))):
        if one.error or (one.key is not None and NAME.fullmatch(one.key) is None):
            raise Unreadable(
                f"line {one.original.line}: it is not NAME=value. Write it like that, or remove it"
            )
        if one.key is None:
            continue
        if one.key in values:
            repeated.append(one.key)
        values[one.key] = one.value or ""
    return Dotenv(values, tuple(dict.fromkeys(repeated)))


def text(install: Install, values: Mapping[str, str]) -> str:
    """The whole file. What has no value is there as a comment with its default, what must have one as an empty line."""
    lines = [f"# {HEAD[install]}", "# What each variable may be: docs/install/settings.md", ""]
    for group, members in groupby(variables(install), key=lambda one: one.group):
        lines += [f"## {group.value}", ""]
        for one in members:
            lines += [*_lines(install, one, values), ""]
    known = {one.name for one in variables(install)}
    if others := {name: value for name, value in values.items() if name not in known}:
        lines += ["## Others", "", *(line(name, value) for name, value in others.items()), ""]
    return "\n".join(lines)


def _lines(install: Install, one: Variable, values: Mapping[str, str]) -> Iterator[str]:
    usual = default(install, one)
    said = one.meaning.rstrip(".") + "."
    if usual:
        said += f" Default: {usual}."
    yield from textwrap.wrap(said, 110, initial_indent="# ", subsequent_indent="# ")
    if one.name in values:
        yield line(one.name, values[one.name])
    elif install in one.required:
        yield f"{one.name}={usual}"
    else:
        yield f"#{one.name}={usual}"


def line(name: str, value: str) -> str:
    """A line that every reader of such files takes the same way. Raises Unreadable for a value that has none."""
    if PLAIN.fullmatch(value):
        return f"{name}={value}"
    if re.search(r"['\\]", value) or not value.isprintable():
        raise Unreadable(
            f"{name}: its value has a quote, a backslash or a sign that cannot be seen in it, which programs read in different ways. "
            "Choose another"
        )
    return f"{name}='{value}'"


def write(path: Path, content: str, *, replace: bool) -> None:
    """Write the file, readable by its owner alone. Without `replace`, raises FileExistsError if there is one: atomically,
    so of two that write at the same time one fails."""
    if not replace:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, MODE))
    try:
        files.replace(path.resolve(), content, mode=MODE, lasting=True)
    except BaseException:
        if not replace:
            path.unlink(missing_ok=True)
        raise
