"""`galley-server certificate`: gives the operator's own certificate to the ingress, whenever its files change.

It is root's program, because keys are root's; it has no network. Only a pair that can be served is given, in one file
that replaces the one before, so that a half-copied pair never is. What is wrong is left as notes for the worker, and on standard error.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from seatrial.control.certificates import notes
from seatrial.control.certificates.naming import wanted
from seatrial.control.certificates.own import CERTIFICATE, KEY, Examined, examine, read
from seatrial.control.configuration import Configuration
from seatrial.files import replace

GIVEN = "certificate.yml"  # beside the routes, where Traefik looks
LOOK_SECONDS = 2.0
# Blocked first: the first process of a container is not even told of signals that it neither blocks nor handles.
IDLE = (
    "import signal as s; both = {s.SIGTERM, s.SIGINT}; s.pthread_sigmask(s.SIG_BLOCK, both); s.sigwait(both)"
)
Signature = tuple[tuple[int, ...], ...]


class Giving:
    """`look` may be called at any time and by one process alone; it does something only if a file changed."""

    def __init__(self, configuration: Configuration, directory: Path, say: Callable[[str], object]) -> None:
        self._configuration = configuration
        self._directory = directory
        self._say = say
        self._known: Signature | None = None
        self._said: tuple[str, ...] | None = None

    def look(self) -> None:
        """Examine the files if they changed, and give them to the ingress if they can be served."""
        signature = _signature(self._directory)
        if signature == self._known:
            return
        pair = read(self._directory)
        found = (
            pair
            if isinstance(pair, Examined)
            else examine(
                pair, wanted(self._configuration), self._configuration.authorities, datetime.now(UTC)
            )
        )
        if not isinstance(pair, Examined) and not found.problems:
            store = {
                "defaultCertificate": {"certFile": pair.certificate.decode(), "keyFile": pair.key.decode()}
            }
            document = {"tls": {"stores": {"default": store}}}
            replace(given(self._configuration), json.dumps(document), mode=0o600)
        self._note(found)
        self._known = signature

    def _note(self, found: Examined) -> None:
        if found.sentences == self._said:
            return
        leave(self._configuration, found.sentences)
        for sentence in found.sentences or (f"{CERTIFICATE} and {KEY} are served",):
            self._say(sentence)
        self._said = found.sentences


def _signature(directory: Path) -> Signature:
    """Another one whenever a file is another, or its rights are."""
    found: list[tuple[int, ...]] = []
    for name in (CERTIFICATE, KEY):
        try:
            status = (directory / name).stat()
        except OSError as error:
            found.append((error.errno or 0,))
        else:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return tuple(found)


def given(configuration: Configuration) -> Path:
    """The file that Traefik reads."""
    routes = configuration.galley_routes_file
    if routes is None:
        raise SystemExit(
            "GALLEY_ROUTES_FILE is not set: the ingress gets its certificate beside its routes. Set it"
        )
    return routes.parent / GIVEN


def leave(configuration: Configuration, sentences: tuple[str, ...]) -> None:
    """Notes for the worker."""
    if folder := configuration.galley_ingress_notes:
        replace(folder / notes.OWN, "".join(f"{one}\n" for one in sentences))


def serve(configuration: Configuration) -> None:
    """Until the end of the process. Without a certificate of the operator's, what was given before is taken back, and nothing is done."""
    directory = configuration.galley_tls_dir
    if directory is None:
        given(configuration).unlink(missing_ok=True)
        leave(configuration, ())
        os.execv(sys.executable, [sys.executable, "-S", "-E", "-c", IDLE])  # noqa: S606  small, and ends when told
    giving = Giving(configuration, directory, lambda text: sys.stderr.write(f"{text}\n"))
    while True:
        giving.look()
        time.sleep(LOOK_SECONDS)
