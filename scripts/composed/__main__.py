"""`python -m scripts.composed up`, which is `make demo-compose`, and `down`, which is `make stop-compose`."""

import argparse
import os
import sys
import time

from scripts.composed import certificates, forge, images, place, removing
from scripts.composed.showing import Show
from scripts.composed.stack import Stack
from seatrial.cli import show, terminal
from seatrial.cli.errors import INTERRUPTED, CommandError
from seatrial.cli.phases import Phases
from seatrial.cli.terminal import Terminal, bold


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(prog="make demo-compose", description=__doc__)
    parser.add_argument("what", choices=["up", "down", "forge"])
    parser.add_argument("host", nargs="?", default="")  # of the code host, which starts itself like this
    asked = parser.parse_args()
    here = place.of_environment(os.environ)
    try:
        if asked.what == "up":
            up(here)
        elif asked.what == "down":
            down(here)
        else:
            forge.serve(here, asked.host)
    except CommandError as error:
        terminal.error(error)
        return error.code
    except KeyboardInterrupt:
        interrupted(asked.what)
        return INTERRUPTED
    return 0


def up(here: place.Place) -> None:
    """From nothing, or from whatever is there, to a verdict and a live preview."""
    screen = Terminal()
    place.engine_socket(os.environ)
    screen.line(bold("An install with Compose on this machine"))
    stack = Stack(here)
    with Phases(screen) as phases:
        names = images.ready(phases)
        phases.begin("settings")
        place.lay_out(here)
        certificates.make(here)
        place.settle(here, names)
        phases.end("settings")
        stack.up(phases)
    screen.line()
    screen.line(bold("A pull request comes in"))
    Show(here, screen).run(stack)


def down(here: place.Place) -> None:
    """To nothing."""
    screen = Terminal()
    if not here.root.exists():
        screen.line("There is no demo with Compose here.")
        return
    began = time.monotonic()
    with Phases(screen) as phases:
        removing.remove(here, phases)
    screen.line(
        f"Removed in {show.seconds(time.monotonic() - began)}. Images and caches stay, for the next time."
    )


def interrupted(what: str) -> None:
    """After Ctrl-C: what was begun is no harm, and both commands go on from it."""
    screen = Terminal(errors=True)
    screen.line()
    go_on = "make demo-compose" if what == "up" else "make stop-compose"
    screen.line(f"Interrupted. It goes on from here: {go_on}")
    if what == "up":
        screen.line("Remove what there is: make stop-compose")


if __name__ == "__main__":
    sys.exit(main())
