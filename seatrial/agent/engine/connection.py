"""The clients of the Engine API."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import aiodocker
import aiohttp

from seatrial.agent.engine.refusals import failed, translated


class Connection:
    """Two clients: `api` for short calls, `streams` for logs and events, which hold a connection for hours."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._api: aiodocker.Docker | None = None
        self._streams: aiodocker.Docker | None = None
        self._version = ""

    @property
    def api(self) -> aiodocker.Docker:
        """The client for short calls, made on first use because it needs a running event loop."""
        if self._api is None:
            self._api = self._client(aiohttp.ClientTimeout(total=180, sock_connect=5))
        return self._api

    @property
    def streams(self) -> aiodocker.Docker:
        """The client for long calls. It has no limit on connections: each followed log holds one."""
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

    async def version(self) -> tuple[int, ...]:
        """Of the engine's API."""
        if not self._version:
            self._version = str((await self.streams.version())["ApiVersion"])
        return tuple(int(part) for part in self._version.split("."))

    async def close(self) -> None:
        """Close both clients."""
        for client in (self._api, self._streams):
            if client is not None:
                await client.session.close()
                await client.close()

    @contextmanager
    def calls(self) -> Iterator[None]:
        """Translates errors of the engine in this context into ours."""
        with translated(self.url):
            yield

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str],
        data: AsyncIterator[bytes] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request on the long-lived client, for calls that aiodocker has no public API for. The response is read inside
        the context, without a time limit, and closed at its end."""
        with self.calls():
            client = self.streams
            await self.version()
            response = await client.session.request(
                method,
                f"{client.docker_host}/v{self._version}/{path}",
                params=params,
                data=data,
                headers=headers,
            )
            try:
                if response.status >= 400:
                    said = (await response.read()).decode(errors="replace")
                    raise failed(self.url, response.status, said)
                yield response
            finally:
                response.close()
