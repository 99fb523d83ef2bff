"""Which action of `access` each door takes: operations of REST, pages with their forms and streams, tools of coding assistants.

Each door asks `access` itself; this is what docs/permissions.md is written from, and what tests/doors holds every door to, with
somebody who may and those who may not. A door that is missing here fails there.
"""

from collections.abc import Iterator, Mapping

from seatrial.control.accounts.access import ALLOWED, Action
from seatrial.control.accounts.models import Role
from seatrial.control.home.permissions.apart import Apart
from seatrial.control.home.permissions.operations import OPERATIONS
from seatrial.control.home.permissions.pages import PAGES

Door = tuple[str, str]  # method and address
Takes = Action | Apart


def _doors(table: Mapping[Takes, str]) -> Iterator[tuple[Door, Takes]]:
    for takes, lines in table.items():
        for line in lines.split("\n"):
            methods, _, address = line.strip().partition(" ")
            for method in filter(None, methods.split(",")):
                yield (method, address), takes


def operations() -> dict[Door, Takes]:
    """By method and address below /api/v1."""
    return dict(_doors(OPERATIONS))


def pages() -> dict[Door, Takes]:
    """By method and address, as `urls` writes it."""
    return dict(_doors(PAGES))


def least(action: Action) -> Role | None:
    """The role with the fewest rights that may do `action`; None: the instance admin alone."""
    return next((role for role in reversed(Role) if action in ALLOWED[role]), None)
