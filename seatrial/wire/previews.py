"""The preview of a commit as live policies see it, and how they visit it.

A policy has no network. Its agent asks the control plane to visit, with a NATS request on `subjects.visits`; the control plane
does so through the ingress, as a visitor would, and answers to the inbox of the agent that asked. See ADR 57.
"""

import base64
import binascii
import zlib

from pydantic import Field

from seatrial.wire.envelope import Message, Part

MOST_VISITS = 200  # of one policy
VISIT_SECONDS = 10.0  # of one visit, its body included
ANSWER_SECONDS = 20.0  # an agent waits so long for an answer; older requests are not answered
MOST_BODY = 1_000_000  # bytes
MOST_PACKED = 600_000  # characters of a packed body, so that the message fits
MOST_LINES = 200  # of the log of each service
MOST_LINE = 500  # characters of a line


class PreviewService(Part):
    """One service. `logs` are the newest lines since its start, at most MOST_LINES. For the rest see `deployments.ServiceFacts`."""

    name: str
    kind: str
    state: str
    url: str = ""  # empty: it has no address
    image: str = ""
    image_bytes: int | None = None
    user: str | None = None
    listening: list[int] | None = None
    declared: list[int] = Field(default_factory=list)
    restarts: int = 0
    exit_code: int | None = None
    logs: list[str] = Field(default_factory=list)


class PreviewPhase(Part):
    """A timed part of the deployment: checkout, recipe, build <service>, clone, start, migrate <service>, seed <service>, health, switch."""

    name: str
    seconds: float | None = None


class Preview(Part):
    """One deployment that is live, as it was when its policies were sent to an agent. `urls`: by service. There is no screenshot:
    nobody takes one."""

    deployment: str
    name: str
    commit: str
    state: str = "live"
    urls: dict[str, str] = Field(default_factory=dict)
    services: list[PreviewService] = Field(default_factory=list)
    phases: list[PreviewPhase] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    screenshot: str | None = None


class AskVisit(Message):
    """Visit the preview that the evaluation or trial `run` looks at. `service` empty: the one with the preview's own address.

    Each of `headers` is a line, `name: value`. All of it comes from a policy: the control plane checks it.
    """

    run: str
    path: str
    service: str = ""
    method: str = "GET"
    headers: list[str] = Field(default_factory=list)


class Visited(Message):
    """What a visitor got. Without `status` there was no answer, and `why` says so; with it, `why` says why `left_out` is true.

    `body` is packed, see `pack`. Names of `headers` are in lower case; values of a name that came several times are on lines of
    their own.
    """

    status: int | None
    headers: dict[str, str] = Field(default_factory=dict)
    seconds: float = 0.0
    body: str = ""
    left_out: bool = False  # there is more of the body than came
    why: str = ""


class VisitRefused(Message):
    """Nothing was visited. `asked_wrongly`: the policy may be told so, and go on; otherwise it is ended. `again`: a later try may
    help."""

    message: str
    asked_wrongly: bool = False
    again: bool = False


def pack(text: str) -> tuple[str, bool]:
    """`text` as it travels, and whether some of its end had to stay behind."""
    whole = text
    while len(packed := base64.b64encode(zlib.compress(text.encode(), 6)).decode()) > MOST_PACKED:
        text = text[: len(text) * MOST_PACKED // len(packed) - 1]
    return packed, len(text) < len(whole)


def unpack(packed: str) -> str:
    """The text. Raises ValueError for anything that `pack` did not make."""
    try:
        return zlib.decompress(base64.b64decode(packed, validate=True), bufsize=MOST_BODY).decode()
    except (zlib.error, binascii.Error) as error:
        raise ValueError(f"a body that cannot be read: {error}") from error
