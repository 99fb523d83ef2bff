"""Asks each language in turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seatrial.detection import go, java, node, php, python, ruby, static
from seatrial.detection.files import Files
from seatrial.detection.plan import Missed, Plan, Reason

# The first that knows what to start wins. Node.js comes late, because repositories of the others often have a package.json
# for what runs in browsers; files without a program come last.
LANGUAGES: Sequence[Callable[[Files], Plan | Missed | None]] = (
    go.detect, java.detect, php.detect, ruby.detect, python.detect, node.detect, static.detect,
)  # fmt: skip
LOOKED_FOR = "go.mod, pom.xml, build.gradle, composer.json, index.php, Gemfile, requirements.txt, pyproject.toml, Pipfile, package.json, index.html"


@dataclass(frozen=True)
class Nothing:
    """No language knows what to start: why those do not whose files are there."""

    missed: Sequence[Reason]

    def __str__(self) -> str:
        if not self.missed:
            return f"Nothing could be detected from its files (looked for {LOOKED_FOR})"
        return "; ".join(f"{one.file} {one.says}" for one in self.missed)


def detect(files: Files) -> Plan | Nothing:
    """How to run these files, by the first language that knows."""
    missed: list[Reason] = []
    for language in LANGUAGES:
        found = language(files)
        if isinstance(found, Plan):
            return found
        if found is not None:
            missed.append(found.reason)
    return Nothing(tuple(missed))
