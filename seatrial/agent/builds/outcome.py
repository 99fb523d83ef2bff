"""How a build ended, from buildah's exit code and its last lines: who is to blame, and which line shows why."""

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
FAILED_STEP = f'{ERROR}building at STEP "'
BEGAN = re.compile(r"(\[\d+/\d+\] )?STEP \d+/\d+: ")
EXIT = re.compile(r"while running runtime: exit status (\d+)$")
# What buildah and its programs say of one of their own that was killed.
KILLED = re.compile(r"signal: killed$|copier subprocess")
# What only a damaged store says; an image that is not known may also be the Dockerfile's mistake.
STORE_FAILED = re.compile(r"(layer|container) not known|overlay-(containers|layers|images)/")
STEP_KILLED = (
    "container exited on killed"  # from outside: a process cannot kill the first one of its own namespace
)
NOT_CREATED = "error running container: "  # the runtime did not make the step
ITS_OWN_FAULT = "unable to start container process: "  # such as a program that is not there
NOT_STARTED = re.compile(r'time=.*msg="runc create failed: (?:unable to start container process: )?(.*)"$')
SIGKILL_STATUS = 128 + signal.SIGKILL
DECISIVE = re.compile(r"(?i)\w*error\b|\bfatal\b|\bERR!|^E: |\bfailed\b|\bcannot\b|not found|no such|denied")
NOT_COPIED = re.compile(r'copier: stat: "/([^"]+)": no such file or directory$')
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
HARMLESS = re.compile(r"(?i)\bwarn(ing)?\b|\bdeprecated\b|\b(0|no) errors?\b")
FIXES = {
    126: "The program is there but may not be executed: chmod +x it, or COPY --chmod=755",
    127: "Install the program in an earlier step, or correct its name",
    SIGKILL_STATUS: "Something killed the step's program, most often because memory ran out: make the step use less",
}
FIX = "Correct the step, and push"


def oom_kills() -> int:
    """How many processes this host has killed because memory ran out, since it started."""
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
    out_of_memory: bool = False  # while it ran, the host killed processes because memory ran out

    @property
    def lines(self) -> list[str]:
        """Its last lines, in the Dockerfile's own words."""
        return [
            shown(line, self.steps, self.began) for line in self.ended.tail if line and not NOISE.match(line)
        ]

    def problem(self) -> BuildError | NoSpace | Interrupted:
        """The error of a build that ended with an exit code other than 0; Interrupted, if it is worth repeating."""
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
        position = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].startswith(ERROR)), -1)
        if position < 0 or lines[-1].startswith(("time=", "unshare: ", "setpriv: ")):
            return Interrupted("the builder ended without a message, or was killed")
        before, error = lines[max(0, position - 4) : position], lines[position:]
        unmade = any(line.startswith(NOT_CREATED) for line in before)
        if any(map(KILLED.search, error)) or (unmade and ITS_OWN_FAULT not in "".join(before)):
            return Interrupted("a program of the builder was killed, or could not run")
        if STORE_FAILED.search(error[0].replace(self.began, "")):
            return Interrupted("the builder's store failed")
        status = status_of(error[0])
        starved = self.out_of_memory and status == SIGKILL_STATUS
        if status is not None and (starved or STEP_KILLED in before[-1:]):
            return Interrupted("a step was killed from outside", self._failed(SIGKILL_STATUS))
        return None

    def _failed(self, status: int | None = None) -> BuildError:
        tail = list(self.ended.tail)
        position = next((n for n in range(len(tail) - 1, -1, -1) if tail[n].startswith(ERROR)), len(tail))
        error, *further = tail[position:] or [""]
        if not self.began or not error.startswith(FAILED_STEP):
            said = error.removeprefix(ERROR)[:500] or f"exit code {self.ended.code}"
            return self._error(f"the build failed: {said}")
        step = self.steps.get(nameless(self.began))
        where = f"{step.where}: `{step.shown[:120]}`" if step else f"`{self.began[:120]}`"
        why = error.partition(f'{self.began}": ')[2] or error.removeprefix(FAILED_STEP).partition('": ')[2]
        why = why.removeprefix("while running runtime: ")
        if why and not EXIT.search(error):
            why = " ".join([why, *(line.strip("\t *") for line in further)]).strip()
            gone = NOT_COPIED.search(why) if "--from=" not in self.began else None
            told = (
                f"there is no {gone[1]} in the build's folder, or .dockerignore leaves it out"
                if gone
                else why
            )
            return self._error(f"{where} failed: {told[:500]}")
        number = status or (status_of(error) or self.ended.code)
        problem, line = f"{where} failed: exit status {number}", decisive(self.lines)
        told = f"{line[:300]} ({problem})" if line else problem
        return self._error(f"{told}. {FIXES.get(number, FIX)}")

    def _error(self, problem: str) -> BuildError:
        return BuildError(f"{self.service}: {problem}", service=self.service, log_tail=self.lines)


def decisive(lines: Sequence[str]) -> str:
    """The line of the failed step's own output that says what went wrong; empty if none stands out."""
    began = max((n for n, line in enumerate(lines) if BEGAN.match(line)), default=-1)
    own = [
        COLOUR.sub("", NOT_STARTED.sub(r"\1", line).replace('\\"', '"')).strip()
        for line in lines[began + 1 :]
        if NOT_STARTED.match(line) or not line.startswith((ERROR, "time="))
    ]
    return next((line for line in own if DECISIVE.search(line) and not HARMLESS.search(line)), "")


def given_text(line: str) -> str:
    """The text of the step that this line of buildah says it begins; empty for other lines."""
    match = BEGAN.match(line)
    return line[match.end() :] if match else ""


def shown(line: str, steps: Mapping[str, Step], began: str = "") -> str:
    """A line of buildah with the Dockerfile's own words for a step that was rewritten; `began` is the one that runs."""
    failed = line.startswith(ERROR)
    given = began if failed else given_text(line)
    step = steps.get(nameless(given)) if given else None
    if step is None or not step.rewritten:
        return line
    cut = (
        failed and given not in line
    )  # too long a line, of which neither the end of the text nor what follows is left
    return f'{FAILED_STEP}{step.shown}"' if cut else line.replace(given, step.shown)


def status_of(error: str) -> int | None:
    """The exit status of the step that buildah's last error names."""
    match = EXIT.search(error)
    return int(match[1]) if match else None
