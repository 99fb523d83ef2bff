"""The instructions of a Dockerfile, found again in what buildah says about them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One instruction: where it stands (`Dockerfile:7`) and how it is written there, on one line."""

    where: str
    shown: str
    rewritten: bool = False  # buildah was given other words for it


RECOGNISED = 1000  # characters: the log cuts long lines


def nameless(text: str) -> str:
    """What an instruction is recognised by: buildah may join its lines with other white space than we do."""
    return "".join(text[: 2 * RECOGNISED].split()).lower()[:RECOGNISED]
