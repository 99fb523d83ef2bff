"""The versioned envelope around every message on the bus.

A message class declares its `kind` (its own name) and `version`. Adding an optional field keeps the
version, and so does a new member of an enumeration in `words`; any other change raises it. Readers ignore unknown
fields and keep unknown words unchanged, so a newer peer never breaks an older one.
"""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticSerializationError
from ulid import ULID

from seatrial.wire.errors import MalformedMessage, UnknownKind, UnsupportedVersion

MAX_BYTES = 900_000  # below the server's 1 MB payload limit, with room for headers


def new_id() -> str:
    """A fresh ULID: unique, and sorted by time of creation."""
    return str(ULID())


def now() -> datetime:
    """The current time, always with its zone."""
    return datetime.now(UTC)


class Part(BaseModel):
    """A piece of a message: immutable. Unknown fields are ignored.

    What validates it is built when it is first used: most processes use few kinds of message.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Message(Part):
    """A payload that travels in an envelope. Subclasses register themselves by name."""

    version: ClassVar[int] = 1
    kinds: ClassVar[dict[str, type["Message"]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Message.kinds[cls.__name__] = cls

    @property
    def kind(self) -> str:
        """The name this payload carries in its envelope."""
        return type(self).__name__


def kinds() -> dict[str, type[Message]]:
    """Every kind of message, by name. They register themselves when they are imported, which is here."""
    from seatrial.wire import agents, deployments, evaluations, logs, snapshots  # noqa: F401

    return Message.kinds


class Envelope(Part):
    """id, kind, version, workspace, subject of the message, time, payload.

    `id` is what JetStream de-duplicates by (`Nats-Msg-Id`), so a retry of the same envelope is harmless.
    `about` names what the message is about, e.g. `environment/01J...`.
    """

    id: str = Field(default_factory=new_id)
    kind: str
    version: int
    workspace: str = ""
    about: str = ""
    time: datetime = Field(default_factory=now)
    payload: dict[str, Any]

    @classmethod
    def wrap(cls, message: Message, *, workspace: str = "", about: str = "", id: str | None = None) -> Self:
        """Put `message` in an envelope, with a fresh id unless one is given."""
        return cls(
            id=id or new_id(),
            kind=message.kind,
            version=message.version,
            workspace=workspace,
            about=about,
            payload=message.model_dump(mode="json"),
        )

    def encode(self) -> bytes:
        """The bytes on the wire. Raises MalformedMessage if they are too many, or if the message is no JSON.

        Characters that cannot be encoded (of a file name that is not UTF-8) become question marks.
        """
        try:
            text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
        except (PydanticSerializationError, ValueError, TypeError) as error:
            raise MalformedMessage(f"{self.kind} {self.id} is no JSON: {error}") from error
        data = text.encode(errors="replace")
        if len(data) > MAX_BYTES:
            raise MalformedMessage(
                f"{self.kind} {self.id} is {len(data):,} bytes; the limit is {MAX_BYTES:,}"
            )
        return data

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read an envelope. Raises MalformedMessage."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise MalformedMessage(f"not an envelope: {error}") from error

    def open(self) -> Message:
        """The typed payload. Raises UnknownKind, UnsupportedVersion or MalformedMessage."""
        kind = kinds().get(self.kind)
        if kind is None:
            raise UnknownKind(f"message {self.id} is a {self.kind}, which this release does not know")
        if self.version > kind.version:
            raise UnsupportedVersion(
                f"message {self.id} is {self.kind} version {self.version}; this release reads up to {kind.version}"
            )
        try:
            return kind.model_validate(self.payload)
        except ValidationError as error:
            raise MalformedMessage(f"{self.kind} {self.id}: {error}") from error
