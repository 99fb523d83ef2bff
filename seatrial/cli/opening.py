"""`seatrial open`: a preview in the browser."""

import os
import webbrowser
from typing import Annotated

import typer

from seatrial.cli.api import Json, connect
from seatrial.cli.errors import CommandError
from seatrial.cli.finding import environment_meant
from seatrial.cli.logs import Preview
from seatrial.cli.terminal import Terminal, bold
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed

Service = Annotated[
    str,
    typer.Option("--service", "-s", metavar="SERVICE", help="Which one, if several have an address."),
]
PrintOnly = Annotated[bool, typer.Option("--print", help="Print the address alone, and open nothing.")]


def open_preview(preview: Preview = "", service: Service = "", print_only: PrintOnly = False) -> None:
    """Open a preview in the browser. Where there is none, its address is printed."""
    api = connect(DataDirectory.from_environment(os.environ))
    found = environment_meant(api, preview)
    url = address_of(found, service)
    terminal = Terminal()
    if print_only or not url.startswith(("http://", "https://")) or not webbrowser.open(url):
        terminal.line(url)
        return
    terminal.line("Opened ", bold(found["name"]), f" at {url}")


def address_of(environment: Json, service: str) -> str:
    """The address of `service`, or else the preview's own: that whose host begins with its name. Raises CommandError."""
    urls: dict[str, str] = environment["urls"]
    if not urls:
        raise CommandError(
            f"{environment['name']} has no address: nothing of it has been live yet.",
            fix=f"See what became of it: {typed('logs', environment['name'])}",
            word="not_live",
        )
    if not service:
        own = f"//{environment['name']}."
        return next((url for url in urls.values() if own in url), next(iter(urls.values())))
    if service not in urls:
        raise CommandError(
            f"{environment['name']} has no address for the service {service}.",
            fix=f"Those that have one: {', '.join(urls)}",
            word="not_found",
        )
    return urls[service]
