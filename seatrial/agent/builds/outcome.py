"""How a build ended, from buildah's exit code and its last lines: whose fault it is, and what decided it."""

import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.agent.builds.attempts import Interrupted
from seatrial.agent.builds.steps import Step, nameless
from seatrial.agent.commands.logged import Ended
from seatrial.agent.vocabulary.errors import BuildError, NoSpace

NOISE = re.compile(r"time=\"[^\"]*\" level=(warning|info)|Getting image source|Copying (blob|config)|Writing manifest|Storing signatures|COMMIT oci:|--> $")  # fmt: skip
ERROR = "Error: "
BEGAN = re.compile(r"(\[\d+/\d+\] )?STEP \d+/\d+: ")
FAILED_STEP = re.compile(r'building at STEP "(.*)": ')
EXIT = re.compile(r"while running runtime: exit status (\d+)$")
# What buildah and its programs say of one of their own that was killed.
KILLED = re.compile(r"signal: killed$|copier subprocess")
STEP_KILLED = (
    "container exited on killed"  # from outside: a process cannot kill the first one of its own namespace
)
NOT_CREATED = re.compile(r"error running container: .*creating container.*signal: killed$")
NOT_STARTED = re.compile(r'time=.*msg="runc create failed: (?:unable to start container process: )?(.*)"$')
SIGKILL_STATUS = 128 + signal.SIGKILL
DECISIVE = re.compile(r"(?i)\w*error\b|\bfatal\b|\bERR!|^E: |\bfailed\b|\bcannot\b|not found|no such|denied")
HARMLESS = re.compile(r"(?i)\bwarn(ing)?\b|\bdeprecated\b|\b(0|no) errors?\b")
FIXES = {
    126: "The program is there but may not be executed: chmod +x it, or COPY --chmod=755",
    127: "Install the program in an earlier step, or correct its name",
    SIGKILL_STATUS: "Something killed the step's program, most often for want of memory: make the step need less",
}
FIX = "Correct the step, and push"


def oom_kills() -> int:
    """How many processes this host has killed for want of memory since it started."""
    try:
        counters = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in counters if line.startswith("oom_kill ")), 0)


@dataclass
class Outcome:
    """How the build of `service` ended. `steps` are the Dockerfile's, by what buildah was given for them; `began` is the
    last one that buildah began, in its own words."""

    service: str
    ended: Ended
    steps: Mapping[str, Step] = field(default_factory=dict)
    began: str = ""
    out_of_memory: bool = False  # while it ran, the host killed processes for want of memory

    @property
    def lines(self) -> list[str]:
        """Its last lines, in the Dockerfile's own words."""
        return [shown(line, self.steps) for line in self.ended.tail if line and not NOISE.match(line)]

    def problem(self) -> BuildError | NoSpace | Interrupted:
        """What a build that ended with an exit code other than 0 is to be ended, or repeated, with."""
        if "no space left on device" in "\n".join(self.lines).lower():
            return NoSpace(
                f"{self.service}: no space left while building. Free disk space, then rebuild",
                service=self.service,
                log_tail=self.lines,
            )
        return self._interrupted() or self._failed()

    def _interrupted(self) -> Interrupted | None:
        """Only what a program of ours says about itself counts, and only where it says it: the lines of steps are the
        repository's."""
        if self.ended.code < 0:
            return Interrupted(f"the builder was ended by {signal.Signals(-self.ended.code).name}")
        lines = [line for line in self.ended.tail if line and not NOISE.match(line)]
        position = next((n for n in range(len(lines), 0, -1) if lines[n - 1].startswith(ERROR)), 0)
        last = lines[position - 1] if position else ""
        if not position or lines[-1].startswith(("time=", "unshare: ", "setpriv: ")):
            return Interrupted("the builder ended without a word, or was killed")
        if KILLED.search(last) or any(
            NOT_CREATED.match(line) for line in lines[max(0, position - 3) : position]
        ):
            return Interrupted("a program of the builder was killed")
        status = EXIT.search(last)
        starved = self.out_of_memory and status is not None and int(status[1]) == SIGKILL_STATUS
        if status and (starved or STEP_KILLED in lines[max(0, position - 2) : position]):
            return Interrupted("a step was killed from outside", self._failed(SIGKILL_STATUS))
        return None

    def _failed(self, status: int | None = None) -> BuildError:
        error = next((line for line in reversed(self.ended.tail) if line.startswith(ERROR)), "")
        failed = f'building at STEP "{self.began}": '
        if not self.began or failed not in error:
            said = error.removeprefix(ERROR)[:500] or f"exit code {self.ended.code}"
            return self._error(f"the build failed: {said}")
        step = self.steps.get(nameless(self.began))
        where = f"{step.where}: `{step.shown[:120]}`" if step else f"`{self.began[:120]}`"
        exited = EXIT.search(error)
        if exited is None:
            why = error.partition(failed)[2].removeprefix("while running runtime: ")
            return self._error(f"{where} failed: {why[:500]}")
        number = status or int(exited[1])
        problem = f"{where} failed: exit status {number}. {FIXES.get(number, FIX)}"
        line = decisive(self.lines)
        return self._error(f"{line[:300]}\n{problem}" if line else problem)

    def _error(self, problem: str) -> BuildError:
        return BuildError(f"{self.service}: {problem}", service=self.service, log_tail=self.lines)


def decisive(lines: Sequence[str]) -> str:
    """The line of the failed step's own output that says what went wrong; empty if none stands out."""
    began = max((n for n, line in enumerate(lines) if BEGAN.match(line)), default=-1)
    own = [
        NOT_STARTED.sub(r"\1", line).replace('\\"', '"').strip()
        for line in lines[began + 1 :]
        if NOT_STARTED.match(line) or not line.startswith((ERROR, "time="))
    ]
    return next((line for line in own if DECISIVE.search(line) and not HARMLESS.search(line)), "")


def given_text(line: str) -> str:
    """The text of the step that this line of buildah says it begins; empty for other lines."""
    match = BEGAN.match(line)
    return line[match.end() :] if match else ""


def shown(line: str, steps: Mapping[str, Step]) -> str:
    """A line of buildah with the Dockerfile's own words for a step that was rewritten."""
    failed = FAILED_STEP.search(line) if line.startswith(ERROR) else None
    given = failed[1] if failed else given_text(line)
    step = steps.get(nameless(given)) if given else None
    return line.replace(given, step.shown) if step and step.rewritten else line
