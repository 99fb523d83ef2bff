"""Text of strangers in Markdown, shown as it was written."""

import re
from html import escape

from seatrial.wire.visible import visible, visible_line

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~-])")


def plain(text: str, *, most: int = 300) -> str:
    """`text` on one line, without effect: no markup, no HTML, no mention of anybody, no link to an issue."""
    line = visible(" ".join(text.split()))
    if len(line) > most:
        line = line[: most - 1] + "…"
    # Quotes stay: they mean nothing outside a tag, and `#` of `&#x27;` would be escaped in its turn
    marked = _SPECIAL.sub(r"\\\1", escape(line, quote=False))
    # An empty comment keeps the forge from seeing a name (@ann), an issue (#1) or an address
    return marked.replace("@", "@<!-- -->").replace("\\#", "\\#<!-- -->").replace("://", ":<!-- -->//")


def code(text: str) -> str:
    """`text` as code, on one line."""
    line = visible(" ".join(text.split())).replace("`", "'").replace("|", "\\|")
    return f"`{line}`" if line else ""


def block(lines: list[str]) -> str:
    """Lines as they are, in a fence that none of them can close."""
    lines = [visible_line(line) for line in lines]
    longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *lines, fence])
