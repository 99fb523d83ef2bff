"""The five questions of `seatrial init`, and what their answers put into the file.

An answer is a text: typed, given as an option, or the default. Each is checked at once, beside those before it, with
the checks of `checking`. What an earlier file says is the default.
"""

import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from seatrial.dotenv import checks
from seatrial.dotenv.checking import EXAMPLE, problem
from seatrial.dotenv.variable import Install
from seatrial.environ.shapes import is_here

NONE = "none"
INSIDE = "http://seatrial.internal:3000"
OF_A_CONTAINER = re.compile(r"[0-9a-f]{12}")  # what the engine calls it, and nobody else
CA_FILE = "GITGRIT_CUSTOM_CA_FILE_PATH"


class Forge(StrEnum):
    """Whose accounts sign people in."""

    NONE = "none"
    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


OUTSIDE = {Forge.GITHUB: "https://github.com", Forge.GITLAB: "https://gitlab.com"}


class Unfit(ValueError):
    """This answer cannot be; the text says why, and what can."""


@dataclass
class Draft:
    """The answers so far."""

    install: Install = Install.ONE_HOST
    values: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, value: str) -> None:
        """Keep a value that passes its variable's check. Raises Unfit."""
        if said := problem(self.install, name, value, self.values):
            raise Unfit(said)
        self.values[name] = value


@dataclass(frozen=True)
class Question:
    """What a person is asked. `option` is the flag that answers it instead."""

    option: str
    text: str
    default: Callable[[Draft], str]
    answer: Callable[[Draft, str], None]  # raises Unfit


def install_of(text: str) -> Install:
    """The kind of install. Raises Unfit."""
    try:
        return Install(text.strip().lower())
    except ValueError:
        raise Unfit(f"write {' or '.join(Install)}") from None


def _kind(draft: Draft, text: str) -> None:
    draft.install = install_of(text)


def _site(draft: Draft) -> str:
    kept = draft.values.get("SITE_URL", "")
    if kept and not problem(draft.install, "SITE_URL", kept, {}):
        return kept
    closed = draft.install is Install.AIR_GAPPED
    host = socket.gethostname().lower()
    own = f"http://{host}:3000" if closed else f"https://{host}"
    if OF_A_CONTAINER.fullmatch(host) or is_here(own) or problem(draft.install, "SITE_URL", own, {}):
        return INSIDE if closed else f"https://seatrial.{EXAMPLE}"
    return own


def _host(draft: Draft) -> str:
    return urlsplit(draft.values.get("SITE_URL") or INSIDE).hostname or ""


def _take_site(draft: Draft, text: str) -> None:
    draft.take("SITE_URL", text.strip().rstrip("/"))


def _previews(draft: Draft) -> str:
    usual = f"preview.{_host(draft)}"
    if is_here(draft.values.get("SITE_URL", "")) or problem(
        draft.install, "GALLEY_PREVIEW_DOMAIN", usual, {}
    ):
        usual = "preview.localhost"
    return draft.values.get("GALLEY_PREVIEW_DOMAIN") or usual


def _take_previews(draft: Draft, text: str) -> None:
    draft.take("GALLEY_PREVIEW_DOMAIN", text.strip().lower())


def _forge(draft: Draft) -> str:
    for forge in (Forge.GITLAB, Forge.GITHUB, Forge.GITEA):
        if draft.values.get(_switch(forge)) == "True":
            return f"{forge} {draft.values.get(_address(forge)) or OUTSIDE.get(forge, '')}".strip()
    if draft.install is Install.ONE_HOST:
        return NONE
    domain = _host(draft).partition(".")[2]
    return f"gitlab https://gitlab.{domain or 'internal'}"


def _take_forge(draft: Draft, text: str) -> None:
    """`gitlab https://gitlab.example.com`; all others are off."""
    word, _, address = text.strip().partition(" ")
    try:
        forge = Forge(word.lower())
    except ValueError:
        raise Unfit(
            f"write {', '.join(Forge)}, and its address behind it: gitlab https://gitlab.example.com"
        ) from None
    address = (
        address.strip() or ("" if draft.install is Install.AIR_GAPPED else OUTSIDE.get(forge, ""))
    ).rstrip("/")
    if forge is not Forge.NONE:
        if not address:
            raise Unfit(f"write its address behind it: {forge} https://{forge}.example.com")
        draft.take(_address(forge), address)
        for part in ("CLIENT_ID", "CLIENT_SECRET"):
            draft.values.setdefault(f"{forge.upper()}_{part}", "")
    for one in (Forge.GITHUB, Forge.GITLAB, Forge.GITEA):
        draft.values[_switch(one)] = str(one is forge)


def _take_authorities(draft: Draft, text: str, *, here: bool) -> None:
    path = text.strip()
    if path.lower() in {"", NONE}:
        draft.values.pop(CA_FILE, None)
        return
    draft.take(CA_FILE, path)
    try:
        (checks.authorities_here if here else checks.authorities)(path)
    except ValueError as error:
        raise Unfit(str(error)) from None


def questions(*, here: bool) -> tuple[Question, ...]:
    """All of them, in their order. `here`: the file is for this machine, so what it names must be on it."""

    def take_authorities(draft: Draft, text: str) -> None:
        _take_authorities(draft, text, here=here)

    return (
        Question(
            "--kind", f"Kind of install ({', '.join(Install)})", lambda draft: draft.install.value, _kind
        ),
        Question(
            "--site-url", "Address of this server, as people and the code host reach it", _site, _take_site
        ),
        Question("--preview-domain", "Domain below which previews answer", _previews, _take_previews),
        Question(
            "--forge",
            f"Code host that signs people in, and its address ({', '.join(Forge)})",
            _forge,
            _take_forge,
        ),
        Question(
            "--ca-file",
            "File with the certificates of your own authorities, or none",
            lambda draft: draft.values.get(CA_FILE) or NONE,
            take_authorities,
        ),
    )


def defaults(install: Install, tag: str, kept: Mapping[str, str]) -> Draft:
    """A draft that begins with what was there."""
    draft = Draft(install, dict(kept))
    if tag:
        draft.values["TAG"] = tag
    return draft


def _switch(forge: Forge) -> str:
    return f"AUTH_PROVIDER_{forge.upper()}_ENABLED"


def _address(forge: Forge) -> str:
    return f"{forge.upper()}_URL"
