"""From a commit with a compose file to a recipe."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from seatrial.agent.recipes.compose import schema
from seatrial.agent.recipes.compose.asking import Answer, Compose
from seatrial.agent.recipes.compose.complaints import Complaints, unset
from seatrial.agent.recipes.compose.marks import marks
from seatrial.agent.recipes.compose.places import Places, named_files, parts_of, roots
from seatrial.agent.recipes.compose.reading import Reading
from seatrial.agent.recipes.compose.sources import Sources
from seatrial.agent.recipes.document import Document, Path, before_lists
from seatrial.agent.recipes.problems import Problems, together
from seatrial.agent.recipes.recipe import Recipe
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.errors import NothingToRun, RecipeError

MOST_TRIES = 5  # each for one more complaint of Compose
# Without one of these, services would seem to name what does not exist.
NAMED_ELSEWHERE = {"include", "services", "volumes", "networks", "configs", "secrets"}


async def read(
    compose: Compose, sources: Sources, variables: Mapping[str, str], at_start: Set[str], defaults: Resources
) -> Recipe:
    """The recipe of a commit's compose file.

    `variables` win over the repository's .env; the names `at_start` have values only when the preview starts.
    Raises RecipeError, which lists every problem, ComposeUnavailable, CheckoutError.
    """
    known = {name: text for name, text in variables.items() if may_be_passed(name, text)} | marks(at_start)
    first = roots(sources.files, named_files(sources.files, known))
    try:
        answer = await compose.model(sources, known)
    except RecipeError as error:
        raise RecipeError(f"{first[0]}:1: {error}") from error
    parts, wrong = await asyncio.to_thread(parts_of, answer.files, first)
    reader = Reader(compose, sources, known, defaults, first[0], parts)
    if answer.model is None:
        raise await reader.refusal(answer, wrong)
    return await reader.recipe(answer)


@dataclass(frozen=True)
class Reader:
    """Reads Compose's answers about one commit. `first`: the file that Compose began with; `parts`: all that it was made from."""

    compose: Compose
    sources: Sources
    variables: Mapping[str, str]
    defaults: Resources
    first: str
    parts: Sequence[Document]

    async def recipe(self, answer: Answer) -> Recipe:
        """What Compose's model becomes. Raises RecipeError, which lists every problem."""
        data = json.loads(answer.model or b"{}")
        environment = await self.compose.environment(answer, self.variables) if has_variables(data) else {}
        return await asyncio.to_thread(self._read, answer, data, environment)  # heartbeats must go on

    def _read(self, answer: Answer, data: dict[str, Any], environment: Mapping[str, str]) -> Recipe:
        document = Places(self.first, data, {}, self.parts, unset(answer.said))
        problems = Problems()
        problems.warn(*Complaints(document, answer.files).warnings(answer.said))
        problems.warn(*(not_committed(document, path) for path in answer.missing))
        return Reading(document, environment, self.sources.committed, self.defaults, problems).recipe()

    async def refusal(self, answer: Answer, wrong: Sequence[RecipeError]) -> RecipeError:
        """Why Compose refused, and what else is wrong: one push mends it all.

        What we find ourselves, with a line and a fix, comes before Compose's own words.
        """
        problems = Problems()
        problems.add(*wrong)
        places: dict[str, list[Path]] = {part.file: [] for part in self.parts}
        for part in self.parts:
            for path, error in await asyncio.to_thread(schema.errors, part):
                problems.add(error)
                places[part.file].append(path)
        if not (problems.errors and is_about_form(answer.said)):
            await self._complain(answer, places, problems)
        if not wrong:
            await self._beside(answer, places, problems)
        return together(problems.errors)

    async def _complain(self, answer: Answer, unfit: dict[str, list[Path]], problems: Problems) -> bool:
        """Note what Compose says, and where that is among the places that are `unfit`; whether any place is new there."""
        document = Places(self.first, {}, {}, self.parts, unset(answer.said))
        errors = await asyncio.to_thread(Complaints(document, answer.files).errors, answer.said)
        problems.add(*errors)
        new = [
            error.at
            for error in errors
            if error.at and all(error.at not in places for places in unfit.values())
        ]
        for places in unfit.values():
            places.extend(new)
        return bool(new)

    async def _beside(self, answer: Answer, unfit: dict[str, list[Path]], problems: Problems) -> None:
        """Note what else is wrong, once that is left out which Compose cannot read; it stops at its first complaint."""
        for _ in range(MOST_TRIES):
            left_out = [before_lists(path) for places in unfit.values() for path in places]
            if not left_out or any(len(path) == 1 and path[0] in NAMED_ELSEWHERE for path in left_out):
                return
            again = await self.compose.ask({**answer.files, **self._mended(unfit)}, self.variables)
            if again.model is not None:
                await self._note_rest(again, problems)
                return
            if is_about_form(again.said) or not await self._complain(again, unfit, problems):
                return

    def _mended(self, unfit: Mapping[str, Sequence[Path]]) -> dict[str, bytes]:
        """The files without what is unfit; those that have nothing of it stay as they are, with their tags."""
        rests = [(part, part.without(unfit[part.file])) for part in self.parts]
        changed = {part.file for part, rest in rests if rest != part.data}
        return {
            file: b"\n---\n".join(json.dumps(rest).encode() for part, rest in rests if part.file == file)
            for file in changed
        }

    async def _note_rest(self, answer: Answer, problems: Problems) -> None:
        if not json.loads(answer.model or b"{}").get("services"):
            return
        try:
            await self.recipe(answer)
        except RecipeError as error:
            # Without build and image may be what was left out.
            problems.add(*(part for part in error.parts if not isinstance(part, NothingToRun)))


def may_be_passed(name: str, text: str) -> bool:
    """Whether an environment can hold it."""
    try:
        return b"\0" not in os.fsencode(name + text) and bool(name) and "=" not in name
    except UnicodeEncodeError:
        return False


def has_variables(data: Mapping[str, Mapping[str, Mapping[str, object]]]) -> bool:
    """Whether a config or secret is a variable."""
    return any(
        "environment" in one for key in ("configs", "secrets") for one in (data.get(key) or {}).values()
    )


def not_committed(document: Places, path: str) -> str:
    """The warning for a file of variables that the commit does not have."""
    return document.warning(
        document.naming(path.rpartition("/")[2]),
        f"{path} is not in the commit, so nothing is read from it; what it would set can be written below environment, as "
        "NAME: ${NAME}, with a value in the project's variables",
    )


def is_about_form(said: str) -> bool:
    """Whether Compose complains of what the schema says, or of the YAML."""
    last = said.strip().splitlines()[-1] if said.strip() else ""
    starts = ("validating ", "failed to parse ", "empty compose file")
    return last.startswith(starts) or "yaml" in last or last.endswith(" must be a mapping")
