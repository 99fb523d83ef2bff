"""The token that a client's requests are signed with."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol


class Bearer(Protocol):
    """Where a client has its token from, for each request anew. Thread-safe."""

    def current(self) -> str:
        """The token to send. May ask the forge for it, and so raises ForgeError; no transaction is open."""

    def refused(self, token: str) -> bool:
        """The forge answered 401 to `token`: whether there is another one by now. Raises ForgeError."""

    @property
    def expires_at(self) -> datetime | None:
        """When the current token ends, if that is known without asking."""

    @property
    def scopes(self) -> Collection[str] | None:
        """What the token may do, if that is known without asking."""


class Pasted:
    """A token that somebody entered: there is no other."""

    expires_at: datetime | None = None
    scopes: Collection[str] | None = None

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self) -> str:
        """The token."""
        return self._token

    def refused(self, token: str) -> bool:
        """Never another one."""
        return False
