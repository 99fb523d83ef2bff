"""From a commit with a compose file to a recipe."""

import asyncio
import json
from collections.abc import Mapping, Set

from seatrial.agent.recipes.compose.asking import Answer, Compose
from seatrial.agent.recipes.compose.complaints import Complaints
from seatrial.agent.recipes.compose.marks import marks
from seatrial.agent.recipes.compose.places import Places, named_files, parts, roots
from seatrial.agent.recipes.compose.reading import Reading
from seatrial.agent.recipes.compose.schema import errors as schema_errors
from seatrial.agent.recipes.compose.sources import Sources
from seatrial.agent.recipes.document import Document
from seatrial.agent.recipes.problems import Problems
from seatrial.agent.recipes.recipe import Recipe
from seatrial.agent.vocabulary.containers import Resources
from seatrial.agent.vocabulary.errors import RecipeError


async def read(
    compose: Compose, sources: Sources, variables: Mapping[str, str], at_start: Set[str], defaults: Resources
) -> Recipe:
    """The recipe of a commit's compose file.

    `variables` win over the repository's .env; the names `at_start` have values only when the preview starts.
    Raises RecipeError that tells every problem, ComposeUnavailable, CheckoutError.
    """
    known = {**{name: text for name, text in variables.items() if "\0" not in text}, **marks(at_start)}
    first = roots(sources.files, named_files(sources.files, known))
    try:
        answer = await compose.model(sources, known)
    except RecipeError as error:
        raise RecipeError(f"{first[0]}:1: {error}") from error
    found, wrong = await asyncio.to_thread(parts, answer.files, first)
    if answer.model is None:
        raise await asyncio.to_thread(refusal, answer, found, wrong, first)
    data = json.loads(answer.model)
    document = Places(first[0], data, {}, found)
    problems = Problems()
    problems.warn(*Complaints(document, answer.files).warnings(answer.said))
    problems.warn(*(not_committed(document, path) for path in answer.missing))
    environment = await compose.environment(answer, known) if has_variables(data) else {}
    return Reading(document, environment, sources.committed, defaults, problems).recipe()


def has_variables(data: Mapping[str, Mapping[str, Mapping[str, object]]]) -> bool:
    """Whether a config or secret is a variable."""
    return any(
        "environment" in one for key in ("configs", "secrets") for one in (data.get(key) or {}).values()
    )


def not_committed(document: Places, path: str) -> str:
    """The warning for a file of variables that the commit does not have."""
    return document.warning(
        document.naming(path.rpartition("/")[2]),
        f"{path} is not in the commit, so nothing is read from it; what it sets can be written below environment, as "
        "NAME: ${NAME}, with a value among the project's variables",
    )


def refusal(answer: Answer, found: list[Document], wrong: list[RecipeError], first: list[str]) -> RecipeError:
    """Why Compose refused: what we find ourselves, with a line and a fix, comes before its own words."""
    problems = Problems()
    problems.add(*wrong)
    for part in found:
        if part.file in first or "services" in part.data:
            problems.add(*schema_errors(part))
    document = Places(first[0], {}, {}, found)
    if not (problems.errors and is_about_form(answer.said)):
        problems.add(*Complaints(document, answer.files).errors(answer.said))
    return RecipeError("\n".join(problems.errors))


def is_about_form(said: str) -> bool:
    """Whether Compose complains of what the schema says, or of the YAML."""
    last = said.strip().splitlines()[-1] if said.strip() else ""
    return last.startswith(("validating ", "yaml: ", "go-yaml ", "failed to parse ")) or "yaml" in last
