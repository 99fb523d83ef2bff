"""Finds the preview that began a sign-in: the one that its `state` names, or those that the browser opened."""

import base64
import binascii
import re
from collections.abc import Iterable
from urllib.parse import unquote

from seatrial.control.previews.callbacks.began import Opened
from seatrial.control.previews.desired import address
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Project
from seatrial.wire.states import EnvironmentState

LONGEST_STATE = 8_000
_ENCODED = re.compile(r"[A-Za-z0-9_+/-]{12,}={0,2}")  # also in each part of a JSON Web Token


def named(project: Project, state: str) -> list[str] | None:
    """The hosts (labels) of previews that the state names, in plain text or Base64; None if it names no preview of anybody. What has ended or
    comes from a fork is not among them."""
    labels = _labels(state[:LONGEST_STATE])
    return _found(project, labels) if labels else None


def opened(project: Project, before: Iterable[Opened]) -> list[str]:
    """The hosts (labels) of the project's previews that a browser opened, the last first, without those that ended or come from a fork."""
    return _found(project, [one.label for one in before])


def _labels(state: str) -> list[str]:
    host = re.compile(rf"(?<![a-z0-9.-])([a-z0-9-]{{1,63}})\.{re.escape(address().domain)}(?![a-z0-9.-])")
    found = [label for text in _readings(state) for label in host.findall(text.lower())]
    return list(dict.fromkeys(found))


def _readings(state: str) -> list[str]:
    plain = unquote(state)
    return [plain, *(_decoded(part) for part in _ENCODED.findall(plain))]


def _decoded(part: str) -> str:
    padded = part.rstrip("=") + "=" * (-len(part.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _found(project: Project, labels: list[str]) -> list[str]:
    rows = Environment.objects.filter(
        project=project, labels__in=labels, pull_request__from_fork=False
    ).exclude(state=EnvironmentState.TERMINATED)
    led = set(rows.values_list("labels", flat=True))
    return [label for label in labels if label in led]
