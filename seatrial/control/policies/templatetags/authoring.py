"""Words about policies and their versions."""

from django import template

from seatrial.control.policies.authoring.shelf import Standing

register = template.Library()

_SAID = {
    Standing.ABSENT: ("gone", "Not installed"),
    Standing.INSTALLED: ("good", "Installed"),
    Standing.OUTDATED: ("waiting", "Update available"),
    Standing.CHANGED: ("gone", "Changed here"),
    Standing.TAKEN: ("gone", "Another has its slug"),
}


@register.filter
def summary(description: str) -> str:
    """The first sentence or paragraph of a description, on one line."""
    return " ".join(description.split("\n\n")[0].split())


@register.filter
def further(description: str) -> list[str]:
    """The paragraphs after the first, each on one line."""
    return [" ".join(part.split()) for part in description.split("\n\n")[1:]]


@register.filter
def tone_of(standing: Standing) -> str:
    """The colour of a policy's standing."""
    return _SAID[standing][0]


@register.filter
def word_of(standing: Standing) -> str:
    """A policy's standing, for people."""
    return _SAID[standing][1]
