"""Log lines of builds and services, in chunks, kept 7 days by the LOGS stream."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from seatrial.wire.envelope import Message, Part, now
from seatrial.wire.words import KNOWN_FIRST, LogSource, LogStream

SYSTEM_SERVICE = "_system"  # lines about the deployment itself rather than one of its services


class LogLine(Part):
    """One line that something wrote."""

    at: datetime = Field(default_factory=now)
    source: Annotated[LogSource | str, KNOWN_FIRST]
    stream: Annotated[LogStream | str, KNOWN_FIRST] = LogStream.STDOUT
    text: str  # at most 4,000 characters; longer lines are cut by the agent, saying so


class LogChunk(Message):
    """Lines of one service, in order. Chunks of one subject arrive in order."""

    environment: str
    deployment: str
    service: str
    lines: list[LogLine]
