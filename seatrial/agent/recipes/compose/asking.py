"""Asks Compose what the compose files of a commit say, and remembers its answers."""

import asyncio
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seatrial.agent.commands.running import Finished
from seatrial.agent.recipes.compose.cell import PROJECT, Cell
from seatrial.agent.recipes.compose.sources import Sources

MODEL = (
    "config",
    "--format",
    "json",
    "--no-consistency",
)  # `reading` checks whether names exist: it knows the line and the fix
ENVIRONMENT = ("config", "--environment", "--no-consistency")
MISSED = re.compile(r"(?:stat|open) (/.+?): no such file or directory")
ENV_FILE = re.compile(r"^(?:env|label) file ", re.MULTILINE)
MOST_SAID = 8_000  # characters of a complaint, which may hold anything that its author wrote
MOST_TRIES = 30  # each for one more file
AT_A_TIME = 4
REMEMBERED = 64  # answers
MOST_REMEMBERED_BYTES = 256 * 1024  # of one of them


@dataclass(frozen=True)
class Answer:
    """What Compose said: the whole model as JSON, or why there is none. `files` are those it was given."""

    model: bytes | None
    said: str
    files: Mapping[str, bytes]
    missing: Sequence[str] = ()  # files for variables that the commit does not have; they were taken as empty


@dataclass
class Compose:
    """Calls may run concurrently, a few of them at a time: a hostile file takes what a cell may have. Answers are remembered
    by everything Compose read: files and variables."""

    cell: Cell
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_A_TIME))
    _known: OrderedDict[str, Finished] = field(default_factory=OrderedDict)

    @classmethod
    def installed(cls) -> "Compose":
        """The one that came with this agent's packages."""
        return cls(Cell.installed())

    async def model(self, sources: Sources, variables: Mapping[str, str]) -> Answer:
        """What the files say, with `variables`. Raises ComposeUnavailable, RecipeError, CheckoutError."""
        missing: list[str] = []
        for _ in range(MOST_TRIES):
            done = await self._asked(MODEL, {**sources.files, **dict.fromkeys(missing, b"")}, variables)
            said = done.errors.decode(errors="replace")
            if done.code == 0:
                return Answer(done.output, said, sources.files, missing)
            said = said[-MOST_SAID:]
            path = missed(said)
            if path is None or path in missing:
                break
            if not await sources.add(path):
                if not ENV_FILE.search(said):
                    break
                missing.append(path)
        return Answer(None, said, sources.files, missing)

    async def ask(self, files: Mapping[str, bytes], variables: Mapping[str, str]) -> Answer:
        """What exactly these files say."""
        done = await self._asked(MODEL, files, variables)
        said = done.errors.decode(errors="replace")
        return Answer(done.output, said, files) if done.code == 0 else Answer(None, said[-MOST_SAID:], files)

    async def environment(self, answer: Answer, variables: Mapping[str, str]) -> dict[str, str]:
        """Every variable that Compose knows for `answer`, those of the commit's .env included."""
        files = {**answer.files, **dict.fromkeys(answer.missing, b"")}
        done = await self._asked(ENVIRONMENT, files, variables)
        pairs = (line.partition("=") for line in done.output.decode(errors="replace").splitlines())
        return {name: value for name, equals, value in pairs if equals} | dict(variables)

    async def _asked(
        self, arguments: Sequence[str], files: Mapping[str, bytes], variables: Mapping[str, str]
    ) -> Finished:
        key = digest(arguments, files, variables)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        async with self._slots:
            done = await self.cell.run(arguments, files, variables)
        if len(done.output) + len(done.errors) <= MOST_REMEMBERED_BYTES:
            self._known[key] = done
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return done


def missed(said: str) -> str | None:
    """The path in the repository of the file that Compose did not find; None if it complains of something else."""
    match = MISSED.search(said)
    if match is None or not match[1].startswith(f"{PROJECT}/"):
        return None
    return match[1].removeprefix(f"{PROJECT}/")


def digest(arguments: Sequence[str], files: Mapping[str, bytes], variables: Mapping[str, str]) -> str:
    """Of everything that an answer depends on."""
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())}
    facts = json.dumps([list(arguments), hashes, sorted(variables.items())])
    return hashlib.sha256(facts.encode()).hexdigest()
