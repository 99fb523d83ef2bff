"""Processes of the control plane that are forked from one that has imported the libraries: of a start, that is the longest part.

Nothing of ours is imported before the fork but `tests.worker.libraries`, because our modules read the settings, which each process
gets its own of. What is forked is then a process like any other: it has a pid, can be killed or stopped, and its end waited for.
"""

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

LIBRARIES = "tests.worker.libraries"
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([LIBRARIES])


class Forked:
    """`python -m MODULE ARGUMENT...` with this environment, whose output is added to `log`."""

    def __init__(self, module: str, *arguments: str, environment: dict[str, str], log: Path) -> None:
        self._module = module
        self._process = _FORKS.Process(
            target=_become, args=(module, arguments, environment, log), daemon=True
        )
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
    assert LIBRARIES in sys.modules, (
        "what this was forked from has imported nothing: is pytest run at the root?"
    )
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.argv[:] = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
