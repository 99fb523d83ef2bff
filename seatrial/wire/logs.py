"""Log lines of builds and services, in chunks, kept 7 days by the LOGS stream."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from seatrial.wire.envelope import Message, Part, now
from seatrial.wire.words import KNOWN_FIRST, LogSource, LogStream


class LogLine(Part):
    """One log line, with its source and the output it was written to."""

    at: datetime = Field(default_factory=now)
    source: Annotated[LogSource | str, KNOWN_FIRST]
    stream: Annotated[LogStream | str, KNOWN_FIRST] = LogStream.STDOUT
    text: str  # at most 4,000 characters; the agent cuts longer lines and adds a note


class LogChunk(Message):
    """Consecutive lines of one service. Chunks of one subject arrive in order."""

    environment: str
    deployment: str
    service: str
    lines: list[LogLine]
