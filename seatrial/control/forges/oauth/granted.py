"""Signs requests with what a connection has: a token that somebody entered, or one that is renewed."""

from datetime import datetime

from django.utils import timezone

from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.http.bearer import Bearer, Pasted
from seatrial.control.forges.oauth.host import OAuthHost
from seatrial.control.forges.oauth.pair import OAuthPair, pair_of
from seatrial.control.forges.oauth.renewing import AGAIN, renewed
from seatrial.control.projects.models import Connection


def bearer_of(connection: Connection, host: OAuthHost) -> Bearer:
    """What the connection signs in with. One that is not stored yet renews nothing. Raises ForgeError, VaultError."""
    credential = str(connection.credential)
    pair = pair_of(credential)
    return Granted(connection, host, pair) if pair is not None else Pasted(credential)


class Granted:
    """The access token of a connection, renewed before it ends. Thread-safe.

    A forge may refuse the former token from the moment in which another process renews it: then the new one is read.
    """

    def __init__(self, connection: Connection, host: OAuthHost, pair: OAuthPair) -> None:
        self._key = connection.pk if connection.created_at is not None else ""
        self._host = host
        self._pair = pair

    @property
    def expires_at(self) -> datetime | None:
        """When the access token ends."""
        return self._pair.expires_at

    @property
    def scopes(self) -> tuple[str, ...]:
        """What the forge said that it may do."""
        return self._pair.scopes

    def current(self) -> str:
        """An access token that lasts for a while yet."""
        pair = self._pair
        for _ in range(2):  # what another process stored meanwhile may be over as well
            if not self._key or pair.lasts(timezone.now()):
                break
            pair = self._renewed(pair)
        return pair.access_token

    def refused(self, token: str) -> bool:
        """Have it renewed, unless the forge gave it a moment ago: it would refuse another one, too."""
        if self._pair.access_token != token:
            return True
        stored = self._stored()
        if stored is None:
            return False
        if stored.access_token != token:
            self._pair = stored
            return True
        if timezone.now() - stored.obtained_at < AGAIN:
            return False
        return self._renewed(stored).access_token != token

    def _stored(self) -> OAuthPair | None:
        """The pair of today; None: the connection is not stored, or has a token by now."""
        row = Connection.objects.filter(pk=self._key).first()
        return pair_of(str(row.credential)) if row is not None else None

    def _renewed(self, pair: OAuthPair) -> OAuthPair:
        new = renewed(self._key, self._host, pair.access_token, now=timezone.now())
        if new is None:
            raise ForgeError("The credential of the connection was replaced. The new one is used from now on")
        self._pair = new
        return new
