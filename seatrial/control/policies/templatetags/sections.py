"""The sections below the tab Policies."""

from dataclasses import dataclass
from typing import Any

from django import template

from seatrial.control.accounts.access import Action, allowed_somewhere

register = template.Library()


@dataclass(frozen=True)
class Section:
    """`name` is what a page calls itself, `page` is the name of the section's address, `word` is its text."""

    name: str
    page: str
    word: str


EVERYBODYS = [
    Section("policies", "authoring:policies", "Policies"),
    Section("catalogue", "authoring:catalogue", "Catalogue"),
    Section("git", "source:source", "Git"),
    Section("waivers", "waivers:waivers", "Waivers"),
    Section("scores", "scores:scores", "Scores"),
    Section("digest", "digests:digest", "Digest"),
    Section("rescans", "rescans:rescans", "Re-scans"),
]
ADMINS = [Section("notices", "notices:notices", "Notices"), Section("network", "network:network", "Network")]


@register.inclusion_tag("policies/parts/sections.html", takes_context=True)
def sections(context: template.Context, current: str) -> dict[str, Any]:
    """The bar with all sections that the reader may open; `current` is the name of the one that is open."""
    managed = allowed_somewhere(context["request"].user, Action.MANAGE_POLICIES)
    return {"sections": [*EVERYBODYS, *(ADMINS if managed else [])], "current": current}
