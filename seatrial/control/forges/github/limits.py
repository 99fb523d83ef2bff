"""GitHub's secondary limits: how fast requests may come, and how GitHub says that they come too fast."""

import re

import httpx

from seatrial.control.forges.http.turns import Pace

# An Enterprise Server has none unless its admin sets them; then it refuses, and is obeyed.
PACE = Pace(
    points_per_minute=900,
    changes=10,
    content=re.compile(r"/issues/(?:\d+/comments|comments/\d+(?:/reactions)?)$"),
    content_per_hour=500,
)


def pace(*, server: bool) -> Pace | None:
    """What GitHub likes, unless it is an Enterprise Server."""
    return None if server else PACE


def too_often(response: httpx.Response) -> bool:
    """Whether a refusal without Retry-After is one of a secondary limit: GitHub says so in words only."""
    return response.status_code == httpx.codes.FORBIDDEN and "secondary rate limit" in response.text
