"""VOLUME instructions, moved to where buildah lets them do no harm.

buildah throws away what a RUN step writes below a VOLUME that was declared before; docker's builder keeps it. Where it is declared
makes no other difference, so it is declared last.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.agent.recipes.dockerfile import Dockerfile


@dataclass(frozen=True)
class Moves:
    """Which VOLUMEs of a Dockerfile are left out of its stages, by number, and what is declared at the end of `final`."""

    stages: frozenset[int]
    final: int
    declared: Sequence[str]


NOTHING = Moves(frozenset(), -1, ())


def moves(file: Dockerfile, target: str | None) -> Moves:
    """What to move; nothing if no step comes after a VOLUME, or if one names a variable of an earlier stage."""
    if not shadowed(file):
        return NOTHING
    chain = file.chain(target)
    declared = [(number, text) for number in chain for text in volumes_of(file, number)]
    if any("$" in text and number != chain[-1] for number, text in declared):
        return NOTHING
    return Moves(frozenset(range(len(file.stages))), chain[-1], [text for _, text in declared])


def shadowed(file: Dockerfile) -> bool:
    """Whether a RUN comes after a VOLUME of its stage, or of one that its stage begins from."""
    declare: list[bool] = []  # for each stage, whether a VOLUME is declared at its end
    for stage, parent in zip(file.stages, file.parents(), strict=True):
        keywords = [keyword for keyword, _ in stage.instructions]
        before = parent is not None and declare[parent]
        first = -1 if before else keywords.index("VOLUME") if "VOLUME" in keywords else len(keywords)
        if "RUN" in keywords[first + 1 :]:
            return True
        declare.append(before or "VOLUME" in keywords)
    return False


def volumes_of(file: Dockerfile, number: int) -> list[str]:
    """The texts of the stage's VOLUME instructions."""
    return [text for keyword, text in file.stages[number].instructions if keyword == "VOLUME"]


def paths(text: str) -> list[str]:
    """The paths of one VOLUME instruction, in either form."""
    if text.startswith("["):
        try:
            return [str(path) for path in json.loads(text)]
        except ValueError:
            pass
    return text.split()
