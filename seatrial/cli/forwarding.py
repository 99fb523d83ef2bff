"""`seatrial port-forward`: a port of a preview's service as one of this machine."""

import os
import re
from typing import Annotated

import typer

from seatrial.cli.api import connect
from seatrial.cli.errors import CommandError, Interrupted
from seatrial.cli.executing import Service, service_meant
from seatrial.cli.finding import environment_meant
from seatrial.embedded.layout import DataDirectory

Words = Annotated[
    list[str],
    typer.Argument(
        metavar="[PREVIEW] [LOCAL:]PORT",
        help="The preview's name, if there are several; then the port, and before it another one of this machine.",
    ),
]

_PORTS = re.compile(r"(?:(\d{1,5}):)?(\d{1,5})")


def port_forward(words: Words, service: Service = "") -> None:
    """Forward a port of this machine to one of a preview's service, also of a database. It takes the role developer."""
    if len(words) > 2:
        raise CommandError(
            "name at most one preview and one port.", fix="Such as pr-1-shop 5432", word="usage"
        )
    local, port = ports_of(words[-1])
    api = connect(DataDirectory.from_environment(os.environ))
    found = environment_meant(api, words[0] if len(words) == 2 else "")
    wish = {"service": service_meant(found, service), "port": port}
    from seatrial.cli.connections import forward

    try:
        forward(api, found, wish, local)
    except KeyboardInterrupt:
        raise Interrupted("nothing is forwarded any more.") from None


def ports_of(text: str) -> tuple[int, int]:
    """The port here and the one there. Raises CommandError."""
    said = _PORTS.fullmatch(text)
    local, port = (int(said[1] or said[2]), int(said[2])) if said else (0, 0)
    if not (0 < port < 65_536 and local < 65_536):
        raise CommandError(f"{text}: no port.", fix="Say it as 5432, or as 15432:5432", word="usage")
    return local, port
