"""Words about policies and their versions."""

import re

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

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
def summary(description: str) -> SafeString:
    """The first sentence or paragraph of a description, on one line."""
    return _prose(description.split("\n\n", maxsplit=1)[0])


@register.filter
def further(description: str) -> list[SafeString]:
    """The paragraphs after the first, each on one line."""
    return [_prose(part) for part in description.split("\n\n")[1:]]


def _prose(text: str) -> SafeString:
    """On one line; what stands between backticks is code."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    shown = (format_html("<code>{}</code>", part) if place % 2 else part for place, part in enumerate(parts))
    return format_html_join("", "{}", ((part,) for part in shown))


@register.filter
def tone_of(standing: Standing) -> str:
    """The colour of a policy's standing."""
    return _SAID[standing][0]


@register.filter
def word_of(standing: Standing) -> str:
    """A policy's standing, for people."""
    return _SAID[standing][1]
