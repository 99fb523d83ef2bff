"""`galley-server`: the control plane's programs, as containers run them.

    galley-server setup              makes the keys that bus and control plane share; needs no database
    galley-server web [...]          prepares the database, then is the web process
    galley-server worker             prepares the database, then is the worker
    galley-server certificate        gives the operator's own certificate to the ingress, whenever it changes
    galley-server healthy [...]      exit code 0 if the web process or the worker beside it does its work

`web` and `worker` prepare in any order and at the same time (`installation.preparation`). The first data is made by
`web` alone, so that what is said about it is in its log. After that the program takes this process over, so signals
reach it. Exit code 1, with one sentence, for whatever keeps one of them from its work.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.lasting import lasting

# `healthy` runs every few seconds, for as long as there are containers: it imports next to nothing.
if TYPE_CHECKING:
    from seatrial.control.configuration import Configuration

# In the folder for temporary files, of which every container has its own.
BEAT = "seatrial-worker.beat"
PORT = "seatrial-web.port"


def main() -> None:
    """Do what the first argument says; without one, `web`."""
    parser = argparse.ArgumentParser(
        prog="galley-server", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    programs = parser.add_subparsers(metavar="setup | web | worker | certificate | healthy", required=True)
    programs.add_parser("setup", help="make the keys that bus and control plane share").set_defaults(
        run=_setup
    )
    web = programs.add_parser("web", help="prepare the database, then serve; arguments are `control.web`'s")
    web.set_defaults(run=_web)
    programs.add_parser("worker", help="prepare the database, then work").set_defaults(run=_worker)
    certificate = programs.add_parser(
        "certificate", help="give the operator's own certificate to the ingress"
    )
    certificate.set_defaults(run=_certificate)
    healthy = programs.add_parser("healthy", help="whether web or worker does its work")
    healthy.add_argument("which", choices=["web", "worker"], nargs="?", default="web")
    healthy.set_defaults(run=_healthy)
    chosen, rest = parser.parse_known_args(sys.argv[1:] or ["web"])
    if rest and chosen.run is not _web:
        parser.error(f"unknown: {' '.join(rest)}")
    for number in (
        signal.SIGTERM,
        signal.SIGINT,
    ):  # the first process of a container has no handlers of its own
        signal.signal(number, _end)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
    chosen.run(chosen, rest)


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _configuration() -> "Configuration":
    from seatrial.control.configuration import read_configuration

    return read_configuration()


def _setup(*_: object) -> None:
    configuration = _configuration()
    directory = configuration.galley_keys_dir
    from seatrial.control.fleet import bus_identity
    from seatrial.control.fleet.errors import IdentityBroken

    try:
        bus_identity.ensure(directory)
    except IdentityBroken as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(
            f"GALLEY_KEYS_DIR {directory} cannot be written: {error.strerror}. Mount a volume there that user {os.geteuid()} may write"
        )


def _web(_: argparse.Namespace, rest: list[str]) -> None:
    def first_data() -> None:
        from seatrial.control.installation.first_data import first_of_server

        first_of_server()

    port = str(_configuration().app_port)
    _prepare(first_data)
    _temporary(PORT).write_text(port)
    _become("seatrial.control.web", "--host", "0.0.0.0", "--port", port, *rest)  # noqa: S104  a container's own


def _worker(*_: object) -> None:
    _configuration()  # what is wrong with it is said before anything is prepared
    _prepare(lambda: None)
    _become("seatrial.control.worker", "--beat", str(_temporary(BEAT)))


def _certificate(*_: object) -> None:
    configuration = _configuration()
    from seatrial.control.certificates.giving import serve

    serve(configuration)


def _healthy(chosen: argparse.Namespace, _: object) -> None:
    from seatrial.control.healthy import web_problem, worker_problem

    if chosen.which == "worker":
        sys.exit(worker_problem(_temporary(BEAT)))
    try:
        port = int(_temporary(PORT).read_text())
    except (OSError, ValueError):
        sys.exit("the web process has not begun yet")
    sys.exit(web_problem(port))


def _prepare(first_data: Callable[[], None]) -> None:
    """Prepare the database, or end this process with the reason why not."""
    with lasting():
        import django

        django.setup()

        from seatrial.control.installation.errors import InstallationError
        from seatrial.control.installation.preparation import prepare

    try:
        prepare(first_data)
    except InstallationError as error:
        sys.exit(str(error))


def _become(module: str, *arguments: str) -> None:
    """Replace this process by a module of ours; what was open here is closed."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606  signals and all


def _temporary(name: str) -> Path:
    return Path(tempfile.gettempdir()) / name


if __name__ == "__main__":
    main()
