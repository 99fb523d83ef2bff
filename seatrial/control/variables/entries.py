"""What may be a variable, and the variables of a .env file."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import StringIO

from dotenv.parser import Original, parse_stream

from seatrial.control.projects.models import Tier, Variable
from seatrial.control.variables.errors import BadVariable, TooMuch
from seatrial.wire.visible import visible

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
OURS = "GALLEY_"
MOST_CHARACTERS = 32_768  # of a value
# Of a workspace, or of a project, for each tier: so that what a preview gets fits into one message.
MOST_VARIABLES = 200
MOST_BYTES = 200_000  # names and values as JSON
MOST_TEXT = 400_000  # characters of a .env file


@dataclass(frozen=True)
class Entry:
    """One variable that somebody wants. The value shows in no repr."""

    name: str
    value: str = field(repr=False)
    secret: bool = True
    tier: str = Tier.TRUSTED
    builds: bool = False  # whether a recipe may give it to its builds


def checked(entry: Entry) -> Entry:
    """`entry`, if it may be. Raises BadVariable, whose message never quotes a value."""
    shown = visible(entry.name)[:60]
    if not NAME.fullmatch(entry.name):
        raise BadVariable(
            "name",
            f"{shown!r} is not the name of a variable: a letter or underscore, then up to 99 letters, digits and underscores.",
        )
    if entry.name.upper().startswith(OURS):
        raise BadVariable(
            "name", f"{shown}: names that begin with {OURS} are the platform's. Choose another."
        )
    if entry.tier not in Tier.values:
        raise BadVariable(
            "tier", f"There is no tier {visible(entry.tier)[:50]!r}; there is: {', '.join(Tier.values)}."
        )
    if "\0" in entry.value:
        raise BadVariable("value", f"{shown}: the value holds a NUL character, which no variable can.")
    if len(entry.value) > MOST_CHARACTERS:
        raise BadVariable("value", f"{shown}: a value has at most {MOST_CHARACTERS:,} characters.")
    return entry


def bounded(rows: Iterable[Variable]) -> None:
    """Return when previews can be given all of them. Raises TooMuch."""
    values = {row.name: row.value for row in rows}
    if len(values) > MOST_VARIABLES:
        raise TooMuch(f"There can be {MOST_VARIABLES} variables, not {len(values)}. Unset some first.")
    if (size := len(json.dumps(values, ensure_ascii=False).encode())) > MOST_BYTES:
        raise TooMuch(
            f"All variables together may have {MOST_BYTES:,} bytes, not {size:,}. Commit long files, or fetch them at the start."
        )


def of_dotenv(
    text: str, *, secret: bool = True, tier: str = Tier.TRUSTED, builds: bool = False
) -> list[Entry]:
    """The variables of a .env file, as Compose reads it, without interpolation. Raises BadVariable with the line."""
    if len(text) > MOST_TEXT:
        raise BadVariable("text", f"The file is too long: it has at most {MOST_TEXT:,} characters.")
    found: dict[str, Entry] = {}
    for one in parse_stream(StringIO(text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff"))):
        where = f"line {_line(one.original)}"
        if one.error or (one.key is not None and one.value is None):
            raise BadVariable("text", f"{where}: it is not NAME=value. Write it like that, or remove it.")
        if one.key is None:
            continue
        if one.key in found:
            raise BadVariable("text", f"{where}: {visible(one.key)[:60]} stands there twice. Remove one.")
        try:
            found[one.key] = checked(Entry(one.key, one.value or "", secret=secret, tier=tier, builds=builds))
        except BadVariable as error:
            raise BadVariable("text", f"{where}: {error}") from error
    if not found:
        raise BadVariable("text", "There is no variable in it. Write a line NAME=value for each.")
    return list(found.values())


def _line(place: Original) -> int:
    """The parser counts empty lines before a variable to it."""
    empty = len(place.string) - len(place.string.lstrip())
    return place.line + place.string[:empty].count("\n")
