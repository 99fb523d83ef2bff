"""Keeps what this worker knows about the routes, and the routes file, up to date with the database."""

import time

import structlog

from seatrial.control.previews import route_marks
from seatrial.control.previews.route_document import Document
from seatrial.control.previews.routes import Candidate
from seatrial.control.worker.routes_file import RoutesFile

log = structlog.get_logger(__name__)

COMPARE_SECONDS = 300.0


class RouteBook:
    """Level-triggered: every `refresh` reads what changed since the last one, and writes the file if it differs.

    A worker reads the database after it took the file's lock, so it knows everything that earlier writers knew. Every
    COMPARE_SECONDS it reads everything, to find changes that nobody marked. A file that was lost or edited is written
    again. If it cannot be written, `problem` says why, and the next refresh tries again. Only one call at a time.
    """

    def __init__(self, file: RoutesFile | None) -> None:
        self._file = file
        self._document = Document()
        self._seen = route_marks.EVERYTHING
        self._compared_at = time.monotonic()
        self.problem = ""
        self.written = 0

    def refresh(self) -> list[Candidate]:
        """Read the changes, write the file if it differs, and return the candidates that wait for their routes.

        Afterwards `written` is how many bytes Traefik has to read.
        """
        self.written = 0
        if self._file is None:
            self._read()
        else:
            try:
                self._publish(self._file)
                self.problem = ""
            except OSError as error:
                self._read()  # candidates are returned even if the file cannot be written
                self._failed(self._file, error)
        return self._document.candidates()

    def _publish(self, file: RoutesFile) -> None:
        with file.alone():
            self._read()
            text = self._document.text()
            if file.write(text):
                self.written = len(text)

    def _read(self) -> None:
        compare = time.monotonic() - self._compared_at > COMPARE_SECONDS
        changes = route_marks.changed(route_marks.EVERYTHING if compare else self._seen)
        if changes.complete:
            knew_all = self._seen != route_marks.EVERYTHING
            unmarked = self._document.replace(changes.environments)
            self._compared_at = time.monotonic()
            if knew_all and unmarked:
                log.warning("routes repaired by comparing everything", environments=unmarked[:20])
        else:
            for environment in changes.environments:
                self._document.take(environment)
        self._seen = changes.seen

    def _failed(self, file: RoutesFile, error: OSError) -> None:
        problem = f"the routes file {file.path} cannot be written: {error.strerror or error}"
        if problem != self.problem:
            log.error("routes are not written, trying again", error=problem)
        self.problem = problem
