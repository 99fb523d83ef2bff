"""Rewrites RUN steps with heredocs on one line, for a buildah that does not know heredocs."""

import re
import shlex
from collections.abc import Sequence

from seatrial.agent.recipes.dockerfile_lines import HEREDOC

SHEBANG = re.compile(r"#!\s*(\S+)(?:[ \t]+(\S.*?))?\s*$")
# Every step has one of its own, its user may write there, and nothing of it is in the image.
FOLDER = "/dev/shm"  # noqa: S108


def body_of(command: str, lines: Sequence[str]) -> list[str] | None:
    """The script of a step that is nothing but one heredoc; None if there is a command as well."""
    alone = HEREDOC.fullmatch(command)
    if alone is None:
        return None
    script = [line.lstrip("\t") for line in lines] if alone[1] else list(lines)
    return script[: script.index(alone[3])] if alone[3] in script else None


def begins_with_interpreter(command: str, lines: Sequence[str]) -> bool:
    """Whether the first line of the step's script names its interpreter."""
    body = body_of(command, lines)
    return bool(body) and SHEBANG.match((body or [""])[0]) is not None


def on_one_line(command: str, lines: Sequence[str]) -> str:
    """The step's command. `lines` are those below it, bodies included.

    The step's own shell unwraps it, and knows what heredocs are. A script that names its interpreter is read by that: it
    lies where nothing may be executed, so the interpreter is started as the kernel would.
    """
    body = body_of(command, lines)
    shebang = SHEBANG.match(body[0]) if body else None
    if body is None or shebang is None:
        return f'eval "$(printf %b {wrapped([command, *lines] if body is None else body)})"'
    file = f"{FOLDER}/{(HEREDOC.fullmatch(command) or ['', '', '', 'script'])[3]}"
    interpreter = " ".join(shlex.quote(word) for word in shebang.groups() if word)
    return f"printf %b {wrapped([*body, ''])} > {file} && {interpreter} {file}"


def wrapped(lines: Sequence[str]) -> str:
    """Lines as one argument of printf's %b."""
    return f"'{''.join(map(octal, chr(10).join(lines)))}'"


def octal(character: str) -> str:
    """As printf's %b reads it between single quotes, without anything that looks like the start of a heredoc."""
    return f"\\0{ord(character):03o}" if character in "\\'\n\"<" else character
