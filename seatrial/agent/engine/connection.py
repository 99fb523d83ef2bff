"""The Engine API clients, and what its errors mean."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiodocker
import aiohttp

from seatrial.agent.vocabulary.errors import RuntimeUnavailable

_CONNECTION_FAILED = 900  # aiodocker's own status for "cannot connect"


class Engine:
    """Two clients: `api` for short calls, `streams` for logs and events, which hold a connection for hours."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._api: aiodocker.Docker | None = None
        self._streams: aiodocker.Docker | None = None

    @property
    def api(self) -> aiodocker.Docker:
        """Made on first use, because it wants a running event loop."""
        if self._api is None:
            timeout = aiohttp.ClientTimeout(total=180, sock_connect=5)
            self._api = self._client(timeout)
        return self._api

    @property
    def streams(self) -> aiodocker.Docker:
        """No limit on connections: one per container whose log is followed."""
        if self._streams is None:
            self._streams = self._client(aiohttp.ClientTimeout(sock_connect=5))
        return self._streams

    def _client(self, timeout: aiohttp.ClientTimeout) -> aiodocker.Docker:
        if self.url.startswith("unix://"):
            connector = aiohttp.UnixConnector(self.url.removeprefix("unix://"), limit=0)
            return aiodocker.Docker(
                "unix://localhost",
                connector=connector,
                session=aiohttp.ClientSession(connector=connector, timeout=timeout),
                timeout=timeout,
            )
        return aiodocker.Docker(self.url, timeout=timeout)

    async def close(self) -> None:
        """Close both clients."""
        for client in (self._api, self._streams):
            if client is not None:
                await client.session.close()
                await client.close()

    @contextmanager
    def calls(self) -> Iterator[None]:
        """Turn "the engine does not answer" into RuntimeUnavailable; other DockerErrors pass."""
        try:
            yield
        except aiodocker.DockerError as error:
            if error.status == _CONNECTION_FAILED:
                raise RuntimeUnavailable(self._away(error.message)) from error
            raise
        except (TimeoutError, aiohttp.ClientError, ConnectionError, FileNotFoundError) as error:
            raise RuntimeUnavailable(self._away(str(error) or type(error).__name__)) from error

    def _away(self, why: str) -> str:
        return (
            f"the container engine at {self.url} does not answer ({why[:200]}). Start it, or set DOCKER_HOST"
        )
