"""The control plane has a screenshot taken of a service of a live deployment.

`AskScreenshot` is a plain NATS message to `subjects.ask_screenshot`, which is in the agent's inbox; the answer comes below the
agent's own name, as that of a survey does (`wire.hosts`): one `NoScreenshot`, or as many `ScreenshotPart` as the picture needs, in
their order. Each question is answered at most once, within ANSWER_SECONDS. See ADR 81.
"""

import base64
import binascii
from collections.abc import Sequence

from pydantic import Field

from seatrial.wire.envelope import Message, Part
from seatrial.wire.errors import MalformedMessage

ANSWER_SECONDS = 120.0  # on a host with much to do, where others are taken first
TAKE_SECONDS = 45.0  # of the browser, from its start
MOST_BYTES = 2_000_000  # of a picture
MOST_WIDTH, MOST_HEIGHT = 1_280, 4_000  # pixels
MOST_TITLE = 200
MOST_PROBLEM = 500
PART_BYTES = 600_000  # so that its message fits
MOST_PARTS = -(-MOST_BYTES // PART_BYTES)
STORABLE = r"^[^\x00]*$"  # of text: databases take no NUL
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class AskScreenshot(Message):
    """Take a screenshot of `service` of `deployment`, which is live in `environment`."""

    environment: str
    deployment: str
    service: str


class Shown(Part):
    """What the page was like. `status`: of the answer that it came with; None: nobody knows."""

    status: int | None = Field(None, ge=100, le=599)
    title: str = Field("", max_length=MOST_TITLE, pattern=STORABLE)
    width: int = Field(ge=1, le=MOST_WIDTH)
    height: int = Field(ge=1, le=MOST_HEIGHT)


class ScreenshotPart(Message):
    """Part `number` of `count` of a PNG, in base64. What is `shown` is the same in each."""

    number: int = Field(ge=1, le=MOST_PARTS)
    count: int = Field(ge=1, le=MOST_PARTS)
    shown: Shown
    data: str = Field(max_length=-(-PART_BYTES // 3) * 4)


class NoScreenshot(Message):
    """There is none, for a reason that people can read. `again`: it may be asked for once more; `not_yet`: the browser is
    being made, and this counts as no try."""

    problem: str = Field(max_length=MOST_PROBLEM, pattern=STORABLE)
    again: bool = False
    not_yet: bool = False


def parts(shown: Shown, png: bytes) -> list[ScreenshotPart]:
    """The messages that carry a picture."""
    pieces = [png[at : at + PART_BYTES] for at in range(0, len(png), PART_BYTES)]
    return [
        ScreenshotPart(number=number, count=len(pieces), shown=shown, data=base64.b64encode(piece).decode())
        for number, piece in enumerate(pieces, 1)
    ]


def joined(came: Sequence[ScreenshotPart]) -> tuple[Shown, bytes]:
    """The picture that they carry. Raises MalformedMessage unless it is a PNG of the size that it is said to have."""
    if [one.number for one in came] != list(range(1, came[0].count + 1)):
        raise MalformedMessage("parts of a screenshot are missing")
    try:
        png = b"".join(base64.b64decode(one.data, validate=True) for one in came)
    except binascii.Error as error:
        raise MalformedMessage(f"a screenshot that cannot be read: {error}") from error
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    shown = came[0].shown
    if (
        not png.startswith(SIGNATURE)
        or (width, height) != (shown.width, shown.height)
        or len(png) > MOST_BYTES
    ):
        raise MalformedMessage("a screenshot that is no PNG of the size that it is said to have")
    return shown, png
