"""The callback host of a project: one stable host, which people register where its users sign in (OAuth, OpenID Connect, SAML).

Its name is made of what never changes, and of the project's id: no other project ever gets it, so nobody inherits what is
registered elsewhere. `previews.callbacks` leads visitors back from there.
"""

import re

from django.conf import settings

from seatrial.control.projects.models import Project
from seatrial.wire.hostnames import MAX_LABEL

_END = 16  # characters of an id: its random part
_MOST = MAX_LABEL - len("callback--") - _END
_LABEL = re.compile(rf"callback-[a-z0-9-]+-([0-9a-z]{{{_END}}})")


def label(project: Project) -> str:
    """The label of the host, below the previews' domain."""
    return f"callback-{project.slug[:_MOST].rstrip('-').lower()}-{project.pk[-_END:].lower()}"


def url(project: Project) -> str:
    """Its address without a path; empty if the project has none."""
    return str(settings.CONFIGURATION.preview_address.url(label(project))) if project.callbacks else ""


def project_of(text: str) -> Project | None:
    """The project whose callback host has this label, if it has one now."""
    if (match := _LABEL.fullmatch(text)) is None:
        return None
    rows = Project.objects.filter(pk__endswith=match[1].upper(), callbacks=True, archived_at=None)
    return next((row for row in rows if label(row) == text), None)
