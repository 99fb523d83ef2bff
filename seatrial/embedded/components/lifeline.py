"""The lifeline: it outlives a supervisor that is killed, and ends the rest of the platform."""

import os
import sys
from pathlib import Path

from seatrial.embedded.components.base import Component, at_once
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.orphans import LIFELINE
from seatrial.embedded.processes import ChildProgram


def component(data: DataDirectory) -> Component:
    """The process. Started first, so that it is ended last."""
    return Component(
        program=ChildProgram(
            name=LIFELINE,
            arguments=[sys.executable, "-m", "seatrial.embedded.lifeline", str(os.getpid())],
            environment={"PATH": os.defpath, "SEATRIAL_DATA_DIR": str(data.root), "PYTHONUNBUFFERED": "1"},
            directory=Path("/"),
            outlives=True,
        ),
        ready=at_once,
        what="the lifeline",
    )
