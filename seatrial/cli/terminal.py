"""The one door to a terminal: everything that a command prints goes through it.

A line is made of parts. A plain part is shown as it is: it is no markup, and whatever a terminal would obey in it is
written out (`seatrial.wire.visible`), a line break included. So what others wrote, wherever it is put, stays the
part of the line that it was put into. Only a `Styled` part has a colour, and only we make these.
"""

import codecs
import contextlib
import json
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from seatrial.cli.errors import CommandError
from seatrial.wire.visible import visible, visible_line, visible_text


@dataclass(frozen=True)
class Styled:
    """A part of a line, in a style of rich's."""

    text: str
    style: str


Part = str | Styled


def bold(text: str) -> Styled:
    """What a person looks for in the line."""
    return Styled(text, "bold")


def note(text: str) -> Styled:
    """What is worth knowing, and nothing to act on."""
    return Styled(text, "dim")


def warning(text: str) -> Styled:
    """A problem that does not stop the command."""
    return Styled(f"! {text}", "yellow")


class Terminal:
    """Lines on standard output, or on standard error. A quiet one takes them and shows nothing."""

    def __init__(self, *, errors: bool = False, quiet: bool = False) -> None:
        self._console = Console(
            stderr=errors, quiet=quiet, highlight=False, markup=False, emoji=False, soft_wrap=True
        )

    def line(self, *parts: Part) -> None:
        """Print one line, whatever is in its parts."""
        text = Text()
        for part in parts:
            styled = part if isinstance(part, Styled) else Styled(part, "")
            text.append(visible(styled.text), styled.style)
        self._console.print(text)

    def lines(self, text: str, *, before: str = "  ", style: str = "") -> None:
        """Print a text of several lines, each behind `before`: none of them can look like one of ours."""
        for one in text.split("\n"):
            self.line(before, Styled(visible_line(one.removesuffix("\r")), style))

    def bar(self) -> Progress:
        """A bar with numbers. Its name is the caller's to make visible."""
        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=self._console.quiet or not self._console.is_terminal,
        )

    def progress(self) -> Progress:
        """Moving lines, below those that are printed meanwhile. Their descriptions are the caller's to make visible."""
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=self._console.quiet or not self._console.is_terminal,
        )


class Bar:
    """How many of something are done, as a bar. Without a terminal, nothing."""

    def __init__(self, terminal: Terminal, name: str, of: int) -> None:
        self._progress = terminal.bar()
        self._task = self._progress.add_task(name, total=of)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._progress.stop()

    def at(self, done: int) -> None:
        """Show that so many are."""
        self._progress.update(self._task, completed=done)


class Passed:
    """Where the bytes of a command elsewhere go. A file or a pipe gets them as they are, and so does a terminal that is
    `raw`: whoever runs a shell there wants it to be obeyed. Any other terminal shows what it would obey."""

    def __init__(self, stream: TextIO, *, raw: bool) -> None:
        self._stream = stream
        self._as_it_is = raw or not stream.isatty()
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    @classmethod
    def output(cls, *, raw: bool) -> Self:
        """To standard output."""
        return cls(sys.stdout, raw=raw)

    @classmethod
    def errors(cls, *, raw: bool) -> Self:
        """To standard error."""
        return cls(sys.stderr, raw=raw)

    def write(self, data: bytes) -> None:
        """Write all of it at once. Blocks."""
        if not self._as_it_is:
            data = visible_text(self._decoder.decode(data)).encode()
        self._stream.buffer.write(data)
        self._stream.flush()


def on_a_terminal() -> bool:
    """Whether somebody types and reads at one."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextlib.contextmanager
def unprocessed() -> Iterator[None]:
    """The terminal passes on every key, Ctrl-C too, and shows nothing by itself."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setraw(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def error(problem: CommandError) -> None:
    """Say what is wrong and what to do, on standard error."""
    terminal = Terminal(errors=True)
    first, *rest = str(problem).strip().split("\n")
    terminal.line(Styled("seatrial:", "red"), " ", first)
    if rest:
        terminal.lines("\n".join(rest))
    if problem.fix:
        terminal.lines(problem.fix)


def error_line(problem: CommandError) -> None:
    """The same in one line."""
    Terminal(errors=True).line(f"seatrial: {' '.join(f'{problem} {problem.fix}'.split())}")


def error_document(problem: CommandError) -> None:
    """The problem for a program: a document like the REST interface's, and one line on standard error."""
    document({"error": {"code": problem.word, "message": str(problem), "fix": problem.fix}})
    error_line(problem)


def file(content: str) -> None:
    """A file of ours, alone on standard output, byte for byte. It has no sign that a terminal would obey."""
    sys.stdout.write(content)
    sys.stdout.flush()


def document(content: Any) -> None:
    """The JSON document, alone on standard output. Everything that is not ASCII is escaped."""
    sys.stdout.write(json.dumps(content, indent=2) + "\n")
    sys.stdout.flush()


def row_of_json(content: Any) -> None:
    """One of many documents, on a line of its own, for what goes on without end."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def listing(
    rows: Sequence[Any], as_json: bool, show: Callable[[Terminal, Any], None], *, none: str, then: str
) -> None:
    """What a command lists: as JSON, or each row by `show`. Of no rows, `none` says so and `then` what to do."""
    if as_json:
        document(rows)
        return
    terminal = Terminal()
    for row in rows:
        show(terminal, row)
    if not rows:
        terminal.line(none)
        terminal.line("  ", note(then))
