"""The options that an instruction of a Dockerfile begins with, read as builders read them: quotes and backslashes may stand
anywhere in one, also in its name."""

from collections.abc import Iterator
from dataclasses import dataclass

QUOTES = "\"'"
ESCAPE = "\\"


@dataclass(frozen=True)
class Option:
    """`--name=value`, without its quotes; `written` is all of it, with the space that follows and ends at `end`."""

    written: str
    name: str
    value: str
    end: int


def leading(text: str) -> Iterator[Option]:
    """The options that `text` begins with."""
    position = 0
    while text.startswith("--", position):
        word, end = _word(text, position)
        if word == "--":
            return
        end += len(text[end:]) - len(text[end:].lstrip())
        name, _, value = word[2:].partition("=")
        yield Option(text[position:end], name, value, end)
        position = end


def written(name: str, value: str) -> str:
    """The option as it is read again as `value`."""
    return f"--{name}={''.join(ESCAPE + c if c.isspace() or c in QUOTES + ESCAPE else c for c in value)} "


def unquoted(text: str) -> str:
    """`text` without quotes and backslashes, which a builder may take away once more where it fills in variables."""
    return text.translate(str.maketrans("", "", QUOTES + ESCAPE))


def _word(text: str, position: int) -> tuple[str, int]:
    """(the word that begins there, without its quotes; where it ends)."""
    word, quote = "", ""
    while position < len(text):
        character = text[position]
        if character == ESCAPE:
            position += 1
            word += text[position : position + 1]
        elif quote:
            quote, word = ("", word) if character == quote else (quote, word + character)
        elif character.isspace():
            break
        elif character in QUOTES:
            quote = character
        else:
            word += character
        position += 1
    return word, min(position, len(text))
