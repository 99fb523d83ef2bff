"""The texts of variables, without what a file of variables leaves around them.

Compose takes quotes, spaces and Windows line ends away when it reads `.env`; `docker run --env-file` and lists in YAML
(`- SITE_URL="https://..."`) leave them in the variable. So they are left out here, and said in a warning. Nothing
that these settings mean begins or ends with them, except what is `Verbatim`.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from seatrial.environ.wanted import is_verbatim

QUOTES = "'\""
# In a check of a file, the file's variables stand here instead of the process's.
_GIVEN: ContextVar[Mapping[str, str] | None] = ContextVar("given", default=None)


@contextmanager
def instead_of_the_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Settings that are made inside are read from `variables`."""
    token = _GIVEN.set(variables)
    try:
        yield
    finally:
        _GIVEN.reset(token)


def variables() -> Mapping[str, str]:
    """What settings are read from: the process's environment, unless something else was given."""
    given = _GIVEN.get()
    return os.environ if given is None else given


def bare(text: str) -> str:
    """The text without spaces, line ends and one pair of quotes around it."""
    inside = text.strip()
    if len(inside) > 1 and inside[0] == inside[-1] and inside[0] in QUOTES:
        inside = inside[1:-1].strip()
    return inside


def names(name: str, field: FieldInfo) -> list[str]:
    """The variables that a field is read from, in lower case: the first that is set counts."""
    alias = field.validation_alias
    choices = getattr(alias, "choices", None)
    return [str(one).lower() for one in choices] if choices else [name.lower()]


class Variables(EnvSettingsSource):
    """Variables, bare; an empty one is one that is not set, because Compose passes on unset variables as empty ones."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        literal = {
            one
            for name, field in settings_cls.model_fields.items()
            if is_verbatim(field)
            for one in names(name, field)
        }
        given = {name.lower(): text for name, text in variables().items()}
        texts = {name: text if name in literal else bare(text) for name, text in given.items()}
        self.env_vars: Mapping[str, Any] = {name: text for name, text in texts.items() if text}


def stray(kind: type[BaseSettings]) -> list[str]:
    """A sentence for each variable that had quotes, spaces or line ends around its value."""
    found = []
    given = {name.lower(): text for name, text in variables().items()}
    for name, field in kind.model_fields.items():
        for one in names(name, field):
            text = given.get(one, "")
            if text and bare(text) != text:
                found.append(_said(one.upper(), text, verbatim=is_verbatim(field)))
    return sorted(set(found))


def _said(name: str, text: str, *, verbatim: bool) -> str:
    around = "quotes" if text.strip() != bare(text) else "spaces or a Windows line end"
    if verbatim:
        return f"{name}: it has {around} around it, which count as part of it. Remove them if they do not belong to it"
    return f"{name}: the {around} around its value were left out. Remove them where it is set"
