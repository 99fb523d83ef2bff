"""Log lines of builds and services, in chunks, kept 7 days by the LOGS stream."""

from datetime import datetime

from pydantic import Field

from seatrial.wire.envelope import Message, Part, now

SYSTEM_SERVICE = "_system"  # lines about the deployment itself rather than one of its services


class LogLine(Part):
    """One line. `source`: build, service or system. `stream`: stdout or stderr."""

    at: datetime = Field(default_factory=now)
    source: str
    stream: str = "stdout"
    text: str  # at most 4,000 characters; longer lines are cut by the agent, saying so


class LogChunk(Message):
    """Lines of one service, in order. Chunks of one subject arrive in order."""

    environment: str
    deployment: str
    service: str
    lines: list[LogLine]
