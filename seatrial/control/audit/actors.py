"""Actors: whoever does something. Every argument `by` is one; the audit log keeps what an actor holds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class ActorKind(StrEnum):
    """The kinds of actor."""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105  # a program, with an API token of a person
    AGENT = "agent"
    SYSTEM = "system"  # this server itself, or whoever runs commands on it
    FORGE = "forge"
    ANONYMOUS = "anonymous"  # somebody who has not signed in


@dataclass(frozen=True)
class Actor:
    """Whoever does something, as they were at that time. `str(actor)` is what people read in the audit log.

    `name` is a person's username, or the token's, agent's or connection's own name; `id` is that of its row. `owner` is
    the username of the person a token belongs to, or the account at the forge of whoever commented there. `address` is
    where a request came from.
    """

    kind: ActorKind
    name: str = ""
    id: str = ""
    owner: str = ""
    address: str | None = None

    def __str__(self) -> str:
        match self.kind:
            case ActorKind.PERSON:
                return self.name
            case ActorKind.TOKEN:
                return f"{self.owner} (token:{self.name})"
            case ActorKind.SYSTEM | ActorKind.ANONYMOUS:
                return self.kind.value
            case ActorKind.FORGE if self.owner:
                return f"{self.owner} (forge:{self.name})"
        return f"{self.kind}:{self.name}"

    @classmethod
    def person(cls, name: str, *, id: str = "", address: str | None = None) -> Self:
        """Somebody who is signed in."""
        return cls(ActorKind.PERSON, name, id, address=address)

    @classmethod
    def token(cls, name: str, *, owner: str, id: str = "", address: str | None = None) -> Self:
        """A program that uses `owner`'s token."""
        return cls(ActorKind.TOKEN, name, id, owner, address)

    @classmethod
    def agent(cls, name: str, *, id: str = "") -> Self:
        """An agent of the fleet."""
        return cls(ActorKind.AGENT, name, id)

    @classmethod
    def forge(cls, name: str, *, id: str = "") -> Self:
        """A code host, by the connection of this name."""
        return cls(ActorKind.FORGE, name, id)

    @classmethod
    def commenter(cls, login: str, *, connection: str) -> Self:
        """Somebody who wrote a comment at the code host of this connection, by their account there."""
        return cls(ActorKind.FORGE, connection, owner=login)

    @classmethod
    def anonymous(cls, *, address: str | None = None) -> Self:
        """Somebody who has not signed in."""
        return cls(ActorKind.ANONYMOUS, address=address)


SYSTEM = Actor(ActorKind.SYSTEM)
