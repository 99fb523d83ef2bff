"""Programs beside a test, ended with it."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The program, whose output goes to `log`; terminated at the end, and killed if it does not end."""
    with log.open("ab") as output:
        program = subprocess.Popen(
            command, stdout=output, stderr=output, env={"PATH": os.environ["PATH"], **(environment or {})}
        )
        try:
            yield program
        finally:
            program.terminate()
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
