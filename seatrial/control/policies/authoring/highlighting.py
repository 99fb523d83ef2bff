"""A policy's code with its parts told apart, as HTML, line by line. Made here, so that it needs no script in the browser."""

from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

_LEXER = PythonLexer(stripnl=False, ensurenl=True)
_FORMATTER = HtmlFormatter(nowrap=True, classprefix="tok-")


@lru_cache(maxsize=128)
def lines_of(code: str) -> tuple[SafeString, ...]:
    """The lines of `code`. No element of one reaches into the next."""
    text = highlight(code, _LEXER, _FORMATTER)
    return tuple(mark_safe(line) for line in text.removesuffix("\n").split("\n"))  # noqa: S308 - Pygments escapes
