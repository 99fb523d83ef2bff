"""What stands at the top of every page."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from seatrial.control.accounts.access import Action, allowed_somewhere


@dataclass(frozen=True)
class Tab:
    """`name` is what pages call it in their variable `tab`, `page` the name of its address."""

    name: str
    page: str
    word: str


EVERYBODYS = [
    Tab("home", "home:home", "Overview"),
    Tab("projects", "projects:projects", "Projects"),
    Tab("agents", "fleet:agents", "Agents"),
]
ADMINS = [
    Tab("deliveries", "forges:deliveries", "Deliveries"),
    Tab("audit", "audit_log", "Audit log"),
]


def tabs(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the variable `tabs` of every template. Who may open them is asked only where they are drawn."""

    def shown() -> list[Tab]:
        return EVERYBODYS + (ADMINS if allowed_somewhere(request.user, Action.VIEW_AUDIT) else [])

    return {"tabs": shown}
