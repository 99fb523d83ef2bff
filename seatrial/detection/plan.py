"""What a detection comes to: a Dockerfile, and why it is like that."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from seatrial.detection.files import Files

PORT = 8080  # what PORT says, and what is listened on where we decide
LONGEST = 160


class Reason(NamedTuple):
    """What in which file decided something. Both are one line each, for people."""

    file: str
    says: str


@dataclass(frozen=True)
class Missed:
    """Files of a language are there, and `reason` says why nothing can be started."""

    reason: Reason


@dataclass(frozen=True)
class Plan:
    """How to run files of one language. `port` None: it is found by what the application listens on."""

    language: str
    framework: str
    steps: Sequence[str]  # lines of the Dockerfile
    reasons: Sequence[Reason]
    port: int | None = None

    @property
    def title(self) -> str:
        """The language and framework, for people."""
        return f"{self.language} with {self.framework}" if self.framework else self.language

    @property
    def dockerfile(self) -> str:
        """The whole file. Whatever others wrote stands in a comment of one line, or quoted as JSON."""
        comments = [
            f"{self.title}, detected by Seatrial",
            *(f"- {one.file}: {one.says}" for one in self.reasons),
        ]
        return "\n".join([*(f"# {one_line(text)}" for text in comments), "", *self.steps, ""])


@dataclass
class Draft:
    """A plan in the making: lines of the Dockerfile, and the reasons for them, in their order."""

    reasons: list[Reason] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def because(self, file: str, says: str) -> None:
        """Note a reason, unless no file gave it."""
        if file:
            self.reasons.append(Reason(one_line(file), one_line(says)))

    def add(self, *lines: str) -> None:
        """Add lines, without empty ones."""
        self.steps += filter(None, lines)

    def gap(self) -> None:
        """Begin another stage, or another part."""
        self.steps.append("")

    def web_process(self, files: Files) -> str:
        """The CMD line of a Procfile's `web:`, which says how to start before anything else does; nothing without one."""
        command = files.web_process
        self.because("Procfile" if command else "", f"web: says how to start it: {command}")
        return shell(command) if command else ""

    def plan(self, language: str, framework: str = "", port: int | None = None) -> Plan:
        """What was drafted, as a plan."""
        return Plan(language, framework, tuple(self.steps), tuple(self.reasons), port)


def one_line(text: str) -> str:
    """`text` as a line in which nothing is hidden and that is not too long."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}..."


def shell(command: str) -> str:
    """The CMD line that has a shell run `command`. JSON: nothing in it can end the line or be replaced by a builder."""
    return f"CMD {json.dumps(['sh', '-c', command])}"


def program(*words: str) -> str:
    """The CMD line that runs a program without a shell."""
    return f"CMD {json.dumps(list(words))}"


def listening(port: int | None) -> list[str]:
    """The lines that say which port is to be listened on; EXPOSE only where it is known to be followed."""
    return [f"ENV PORT={PORT}", *([f"EXPOSE {port}"] if port else [])]


APP_USER = "RUN useradd --create-home --uid 1000 app && chown app:app /app"
COPY_ALL = "COPY --chown=app:app . ."
