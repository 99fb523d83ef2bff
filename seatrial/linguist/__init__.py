"""What GitHub's linguist knows of programming languages: data of the version that `version` names, the same for agents and
control plane. scripts/write_languages.py writes it.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["data", "language_named", "left_out"]


@cache
def data() -> Mapping[str, Any]:
    """The whole of it; nobody changes it."""
    read: dict[str, Any] = json.loads(Path(__file__).with_name("linguist.json").read_text())
    return read


def language_named(word: str) -> str | None:
    """The language that `word` means, as repositories' languages are counted: linguist's name or alias, in upper or lower
    case, and its group if it is counted with others (TSX: TypeScript). None if it is none, or is never counted.
    """
    name: str | None = data()["languages"].get(word.strip().lower())
    return None if name is None else data()["groups"].get(name, name)


def left_out(word: str) -> str | None:
    """The name of a language that linguist knows and that is never counted, because it is data or prose; else None."""
    name: str | None = data()["left_out"].get(word.strip().lower())
    return name
