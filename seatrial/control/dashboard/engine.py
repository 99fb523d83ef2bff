"""Django's templates, whose pages obey no control character and no change of direction that somebody else wrote.

Everything that is rendered comes by here: pages, their live parts, mails.
"""

from typing import Any

from django.http import HttpRequest
from django.template.backends.django import DjangoTemplates, Template
from django.utils.safestring import SafeString, mark_safe

from seatrial.wire.visible import visible_markup, visible_text


class VisibleTemplate(Template):
    """One template."""

    def render(self, context: dict[str, Any] | None = None, request: HttpRequest | None = None) -> SafeString:
        """Its text, with what misleads written out."""
        text = super().render(context, request)
        plain = str(self.origin.name).endswith(".txt")
        return mark_safe(visible_text(text) if plain else visible_markup(text))  # noqa: S308 - as safe as it was


class VisibleTemplates(DjangoTemplates):
    """The engine."""

    def from_string(self, template_code: str) -> Template:
        """See `DjangoTemplates`."""
        return VisibleTemplate(super().from_string(template_code).template, self)

    def get_template(self, template_name: str) -> Template:
        """See `DjangoTemplates`."""
        return VisibleTemplate(super().get_template(template_name).template, self)
