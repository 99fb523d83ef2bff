"""Processes of the control plane that are forked from one that has imported everything: of a start, that is nearly all.

What is imported has read the settings. So stacks have the same ports and paths, and who is given another environment begins as a
program of its own. What is forked is a process like any other: it has a pid, can be killed or stopped, and its end waited for.
"""

import multiprocessing
import multiprocessing.forkserver
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

IMPORTED = "tests.worker.imported"
# Which no setting of ours reads. Readline and Python itself add some to what a process is given.
LATE = {"PGOPTIONS", "PYTEST_CURRENT_TEST", "COLUMNS", "LINES", "LC_CTYPE"}
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([IMPORTED])


class Forked:
    """`python -m MODULE ARGUMENT...` with this environment, whose output is added to `log`."""

    def __init__(self, module: str, *arguments: str, environment: dict[str, str], log: Path) -> None:
        self._module = module
        self._process = _FORKS.Process(
            target=_become, args=(module, arguments, environment, log), daemon=True
        )
        with mock.patch.dict(os.environ, environment, clear=True):
            multiprocessing.forkserver.ensure_running()  # the first time it starts, with this environment
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing happens if it has ended."""
        if self._process.is_alive():
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> int:
        """Its exit code, as `subprocess.Popen.wait` gives it."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._module, seconds or 0)
        return self._process.exitcode


def _become(module: str, arguments: tuple[str, ...], environment: dict[str, str], log: Path) -> None:
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    assert IMPORTED in sys.modules, (
        "what this was forked from has imported nothing: is pytest run at the root?"
    )
    if _read_by_settings(sys.modules[IMPORTED].GIVEN) != _read_by_settings(environment):
        os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment)
    os.environ.update(environment)
    sys.argv[:] = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _read_by_settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in LATE}
