"""How a build of BuildKit ended, from what buildx reported: who is to blame, and which line shows why."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.agent.builds.attempts import Interrupted
from seatrial.agent.builds.buildkit.progress import Progress, Vertex
from seatrial.agent.builds.outcome import FIX, FIXES, SIGKILL_STATUS, decisive
from seatrial.agent.vocabulary.errors import BuildError, NoSpace

EXIT = re.compile(r"exit code: (\d+)$")
NOT_COPIED = re.compile(
    r'(?:lstat \S*?/(?:buildkit-mount|tmp\.|\d+)[^/]*|")(/[^":]+)"?:? (?:not found|no such file)'
)
NOT_STARTED = re.compile(r"^runc run failed: (?:unable to start container process: )?")
# What only a connection that is gone, or a daemon that ended, leaves behind.
AWAY = re.compile(
    r"code = Unavailable|error reading from server|connection (?:refused|reset)|failed to dial|broken pipe|no active session|"
    r"Cannot connect to the Docker daemon|closing transport"
)
CANCELED = re.compile(r"context canceled|code = Canceled")
DIRECTIVE = re.compile(
    r"^(?:ERROR: )?(?:failed to solve(?: with frontend \S+)?: )?(?:rpc error: code = \w+ desc = )?(?:failed to solve: )?"
)


@dataclass
class Outcome:
    """How the build of `service` ended, with buildx's exit code `code`."""

    service: str
    code: int
    progress: Progress
    out_of_memory: bool = False  # while it ran, the host killed processes because memory ran out

    def problem(self) -> BuildError | NoSpace | Interrupted:
        """The error of a build that ended with another code than 0; Interrupted, if it is worth repeating."""
        if self.code < 0:
            return Interrupted(f"the builder was ended by {signal.Signals(-self.code).name}")
        vertex, said = self.progress.failed, self._said()
        told = vertex.error if vertex else said
        if "no space left on device" in told.lower():
            return NoSpace(
                f"{self.service}: no space left while building. Free disk space, then rebuild",
                service=self.service,
                log_tail=list(self.progress.tail),
            )
        if vertex is None or vertex.step is None:
            return self._of_the_daemon(told)
        if CANCELED.search(vertex.error) or AWAY.search(vertex.error):
            return Interrupted("the daemon ended a step, or was ended itself")
        return self._of_a_step(vertex)

    def _said(self) -> str:
        """The last of what buildx printed, without the names of its layers."""
        errors = [line for line in self.progress.said if line.startswith("ERROR: ")]
        return DIRECTIVE.sub("", (errors or list(self.progress.said) or [f"exit code {self.code}"])[-1])

    def _of_the_daemon(self, said: str) -> BuildError | Interrupted:
        if AWAY.search(said) or CANCELED.search(said):
            return Interrupted(f"BuildKit did not answer: {said[:300]}")
        return self._error(f"the build failed: {said[:500]}")

    def _of_a_step(self, vertex: Vertex) -> BuildError | Interrupted:
        assert vertex.step is not None
        where = f"{vertex.step.where}: `{vertex.step.shown[:120]}`"
        status = EXIT.search(vertex.error)
        if status is None:
            return self._error(f"{where} failed: {self._why(vertex)[:500]}")
        number = int(status[1])
        said = [NOT_STARTED.sub("", line) for line in vertex.tail]
        problem, line = f"{where} failed: exit status {number}", decisive(said)
        told = f"{line[:300]} ({problem})" if line else problem
        error = self._error(f"{told}. {FIXES.get(number, FIX)}")
        if self.out_of_memory and number == SIGKILL_STATUS:
            return Interrupted("a step was killed from outside", error)
        return error

    def _why(self, vertex: Vertex) -> str:
        assert vertex.step is not None
        gone = NOT_COPIED.search(vertex.error)
        if gone and vertex.step.shown.startswith(("COPY", "ADD")) and "--from=" not in vertex.step.shown:
            return f"there is no {gone[1].lstrip('/')} in the build's folder, or .dockerignore leaves it out"
        return vertex.error

    def _error(self, problem: str) -> BuildError:
        tail: Sequence[str] = self.progress.tail or self.progress.said
        return BuildError(f"{self.service}: {problem}", service=self.service, log_tail=list(tail))
