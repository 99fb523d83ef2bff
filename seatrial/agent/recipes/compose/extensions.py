"""What a compose file says to us alone: keys of a service that begin with `x-galley-`. Compose leaves them out of its model."""

import difflib
from typing import Any

from seatrial.agent.recipes.compose.marks import refuse_nul
from seatrial.agent.recipes.compose.places import Places
from seatrial.agent.recipes.document import Path
from seatrial.agent.recipes.galley import command_of
from seatrial.agent.recipes.problems import Problems
from seatrial.agent.vocabulary.unfit import Unfit

OURS = "x-galley-"
KIND, MIGRATE, SEED = f"{OURS}kind", f"{OURS}migrate", f"{OURS}seed"
EXTENSIONS = {
    KIND: "what the service is for: see `kind` of galley.yml; the label `galley.kind` says the same",
    MIGRATE: "a command, run in its image at each deployment before it starts; text is split as a shell would",
    SEED: "a command, run in its image once for the data of each preview; text is split as a shell would",
}


def command(document: Places, at: Path) -> tuple[str, ...] | None:
    """The command that is written at `at`, in words; None if there is none. Raises RecipeError."""
    written = document.written(at)
    if written is None:
        return None
    try:
        words = command_of(written)
    except Unfit as error:
        document.fail(at, error.problem, error.fix)
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        document.fail(at, f"{written!r} is not a command", "Write text, or a list of words")
    refuse_nul(document, "".join(words), at)
    return tuple(words)


def check(document: Places, at: Path, written: dict[str, Any], problems: Problems) -> None:
    """Warn of keys that look like ours and are not known: they have no effect."""
    for key in written:
        if key.startswith(OURS) and key not in EXTENSIONS:
            near = difflib.get_close_matches(key, EXTENSIONS, n=1)
            fix = f"Did you mean {near[0]}?" if near else f"Known are: {', '.join(EXTENSIONS)}"
            problems.warn(document.warning((*at, key), f"ignored: unknown key. {fix}"))
