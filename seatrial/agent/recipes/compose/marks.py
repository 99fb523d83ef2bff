"""Names that only the platform knows, and only when a preview starts: they go through Compose as marks.

What Compose makes of a text with a mark, a text with `${NAME}` in it, is replaced at the start (`environments`).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from seatrial.agent.recipes.document import NUL, Document, Path
from seatrial.agent.recipes.recipe import Recipe
from seatrial.wire.hostnames import labels

PREFIX = "GALLEY_"
ALWAYS = ("GALLEY_COMMIT", "GALLEY_BRANCH", "GALLEY_NUMBER")
OF_ADDRESS = ("GALLEY_PREVIEW_URL_", "GALLEY_PREVIEW_HOST_", "GALLEY_PREVIEW_HOSTNAME_")
NAME = re.compile(rb"GALLEY_\w+")
MARK = re.compile(
    "\ue000(GALLEY_\\w+)\ue001"
)  # characters for private use, which nobody has in a compose file


def suffix(service: str) -> str:
    """What a service is called at the end of a variable's name."""
    return re.sub(r"[^A-Za-z0-9]", "_", service)


def known_names(recipe: Recipe) -> set[str]:
    """The names that will have a value when `recipe` starts."""
    kinds = {service.name: service.kind for service in recipe.services.values()}
    return {*ALWAYS, *(f"{name}{suffix(service)}" for service in labels("x", kinds) for name in OF_ADDRESS)}


def mentioned(files: Mapping[str, bytes]) -> set[str]:
    """The names in `files` that may have a value when a preview starts."""
    found = {name.decode() for content in files.values() for name in NAME.findall(content)}
    return {name for name in found if name in ALWAYS or name.startswith(OF_ADDRESS)}


def marks(names: Iterable[str]) -> dict[str, str]:
    """{name: its mark}."""
    return {name: f"\ue000{name}\ue001" for name in names}


def for_start(text: str) -> str:
    """A text as Compose prints it (dollars doubled), for the replacement at the start."""
    return MARK.sub(r"${\1}", text)


def refuse_nul(document: Document, text: str, path: Path) -> None:
    """Raise RecipeError for a text that no program can be given."""
    if NUL in text:
        document.fail(path, "holds a NUL character", "Remove it")


def final(document: Document, value: Any, path: Path = ()) -> Any:
    """`value` with every text as a program will see it. Raises RecipeError for a name that is known only when the preview starts."""
    if isinstance(value, dict):
        return {
            str(key).replace("$$", "$"): final(document, inner, (*path, key)) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [final(document, inner, (*path, index)) for index, inner in enumerate(value)]
    if not isinstance(value, str):
        return value
    refuse_nul(document, value, path)
    if match := MARK.search(value):
        document.fail(
            path, f"{match[1]} is known only when the preview starts", "Use it in environment or build.args"
        )
    return value.replace("$$", "$")
