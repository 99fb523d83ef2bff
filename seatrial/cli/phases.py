"""Shows steps as lines: each moves while it runs, and shows its duration when it is done."""

import time
from types import TracebackType
from typing import Self

from rich.progress import TaskID

from seatrial.cli.show import mark, padded, seconds
from seatrial.cli.terminal import Styled, Terminal
from seatrial.wire.states import ResultState
from seatrial.wire.visible import visible


class Phases:
    """A live list. Without a terminal, each step is one line, printed when it ends."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._progress = terminal.progress()
        self._running: dict[str, tuple[TaskID, float]] = {}
        self._ended: dict[str, str] = {}  # name -> state

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, name: str) -> None:
        """Show that a step runs. Repeated calls change nothing, unless the step failed before."""
        if name not in self._running and self._ended.get(name, ResultState.FAILED) == ResultState.FAILED:
            self._ended.pop(name, None)
            self._running[name] = (self._progress.add_task(visible(name)), time.monotonic())

    def end(self, name: str, took: float | None = None, *, state: str = ResultState.PASSED) -> None:
        """Show that the step is over. Repeated calls change nothing."""
        if name in self._ended:
            return
        self._ended[name] = state
        task, began = self._running.pop(name, (None, time.monotonic()))
        if task is not None:
            self._progress.remove_task(task)
        spent = time.monotonic() - began if took is None else took
        self._terminal.line("  ", mark(state), f" {padded(name, 28)} ", Styled(seconds(spent), "dim"))

    def note(self, text: str) -> None:
        """Print a line between the steps."""
        self._terminal.lines(text)

    def forget(self, name: str) -> None:
        """Drop the step without a line."""
        task, _ = self._running.pop(name, (None, 0.0))
        if task is not None:
            self._progress.remove_task(task)
