"""The tabs at the top of every page."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from seatrial.control.accounts.access import Action, allowed, allowed_somewhere


@dataclass(frozen=True)
class Tab:
    """`name` is the value of a page's variable `tab`, `page` is the name of the tab's address, `word` is its text."""

    name: str
    page: str
    word: str


EVERYBODYS = [
    Tab("home", "home:home", "Overview"),
    Tab("projects", "projects:projects", "Projects"),
    Tab("policies", "authoring:policies", "Policies"),
    Tab("agents", "fleet:agents", "Agents"),
]
ADMINS = [
    Tab("connections", "connections:connections", "Connections"),
    Tab("deliveries", "forges:deliveries", "Deliveries"),
    Tab("people", "people", "People"),
    Tab("audit", "audit_log", "Audit log"),
]
INSTANCE_ADMINS = [Tab("keys", "keys:keys", "Keys"), Tab("health", "home:health", "Health")]


def tabs(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the variable `tabs` of every template. Access is checked only when a template draws them."""

    def shown() -> list[Tab]:
        return [
            *EVERYBODYS,
            *(ADMINS if allowed_somewhere(request.user, Action.VIEW_AUDIT) else []),
            *(INSTANCE_ADMINS if allowed(request.user, Action.MANAGE_AGENTS, None) else []),
        ]

    return {"tabs": shown}
