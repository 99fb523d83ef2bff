"""Writes docs/permissions.md from the code, so that it is always right. `--check` only reports whether it is up to date."""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from seatrial.control.home.permissions import Door, Takes

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "permissions.md"
HEAD = """\
# Who may do what

Written by `make docs` from the code. `tests/doors` tries every operation, page, stream and tool below: as the role that suffices, as a teammate
with fewer rights, as a stranger, and with a token of other scopes; `tests/rest/test_every_door.py` as nobody.

Everybody has one role in each workspace that they are a [member](members.md) of. To whoever is none, nothing is there (404); a member who may
not do something is told which role it takes (403). The instance admin may do everything everywhere. *No sign-in* is what proves its right otherwise, such as a webhook by
its signature, or has nothing to hide; *one's own* is of whoever is signed in and of nobody else, and refuses tokens with scopes.

## Roles

| action | viewer | developer | admin | owner | instance admin | scope of a token |
|---|---|---|---|---|---|---|
"""
OPERATIONS = """
## Operations of the REST API

Addresses are below `/api/v1/`. *View* of a list means the rows that one may look at.

| operation | takes | from the role |
|---|---|---|
"""
PAGES = """
## Pages, forms and streams

Pages of one's own account (below `/accounts/`: password, passkeys, connected accounts) are for everybody about themselves.

| page | takes | from the role |
|---|---|---|
"""
TOOLS = """
## Tools of coding assistants

Each is an [operation](mcp.md) of the REST API with a token that has scopes.

| tool | scope | from the role |
|---|---|---|
"""


def main() -> int:
    """Write, or check."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
    django.setup()
    text = page()
    if "--check" in sys.argv:
        return 0 if PAGE.exists() and PAGE.read_text() == text else 1
    PAGE.write_text(text)
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def page() -> str:
    """The whole page."""
    from seatrial.control.home import permissions

    parts = [HEAD, *roles(), OPERATIONS, *rows(permissions.operations()), PAGES, *rows(permissions.pages())]
    return "".join([*parts, TOOLS, *tools()])


def roles() -> Iterator[str]:
    """One row per action."""
    from seatrial.control.accounts.access import ALLOWED, SCOPES, Action
    from seatrial.control.accounts.models import Role

    for action in Action:
        marks = ["yes" if action in ALLOWED[role] else "" for role in reversed(Role)]
        scopes = ", ".join(f"`{scope}`" for scope, may in SCOPES.items() if action in may)
        shown = "all" if action is Action.VIEW else scopes
        yield f"| {action} | {' | '.join(marks)} | yes | {shown} |\n"


def rows(doors: "dict[Door, Takes]") -> Iterator[str]:
    """One row per address and action, with its methods."""
    methods: dict[tuple[str, Takes], list[str]] = defaultdict(list)
    for (method, address), takes in doors.items():
        methods[address, takes].append(method)
    for (address, takes), used in sorted(methods.items()):
        yield f"| {', '.join(sorted(used))} `{address}` | {takes} | {role(takes)} |\n"


def role(takes: "Takes") -> str:
    """The role with the fewest rights that suffices, as people read it."""
    from seatrial.control.home.permissions import least
    from seatrial.control.home.permissions.apart import Apart

    if isinstance(takes, Apart):
        return "instance admin" if takes is Apart.WHOLE_AUDIT else ""
    return least(takes) or "instance admin"


def tools() -> Iterator[str]:
    """One row per tool."""
    from seatrial.control.accounts.access import SCOPES, Action
    from seatrial.control.assistants.catalogue import TOOLS as ALL

    for name, one in sorted(ALL.items()):
        takes = max(
            SCOPES[one.scope] - {Action.VIEW}, default=Action.VIEW
        )  # of one scope, all take the same role
        yield f"| `{name}` | `{one.scope}` | {role(takes)} |\n"


if __name__ == "__main__":
    sys.exit(main())
