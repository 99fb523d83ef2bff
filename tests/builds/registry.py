"""A registry of one image that can only be read."""

import contextlib
import gzip
import hashlib
import io
import json
import os
import secrets
import ssl
import tarfile
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

TYPES = "application/vnd.docker.distribution.manifest.v2+json"
Answer = Callable[[web.Request], web.StreamResponse]


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Registry:
    """`shop/base:1` for everybody who asks. `instead` answers in its place, `hold` after a while."""

    busybox: bytes
    labels: dict[str, str] = field(default_factory=dict)
    instead: Answer | None = None
    hold: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
    login: str = ""  # name:password; empty: everybody may pull
    asked: list[str] = field(default_factory=list)
    address: str = ""
    port: int = 0

    def __post_init__(self) -> None:
        layer = self._layer()
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["sh"], "Labels": {"seatrial.test": f"builds-{os.getpid()}", **self.labels}},
            "author": secrets.token_hex(8),  # an image of its own, which no test beside this one takes away
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
            "history": [{"created_by": "made for a test"}],
        }
        blobs = [json.dumps(config).encode(), gzip.compress(layer)]
        kinds = [
            "application/vnd.docker.container.image.v1+json",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
        ]
        listed = [
            {"mediaType": kind, "size": len(blob), "digest": digest_of(blob)}
            for kind, blob in zip(kinds, blobs, strict=True)
        ]
        self.manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": TYPES, "config": listed[0], "layers": listed[1:]}
        ).encode()
        self.blobs = {digest_of(blob): blob for blob in blobs}

    def _layer(self) -> bytes:
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            program = tarfile.TarInfo("bin/busybox")
            program.size, program.mode = len(self.busybox), 0o755
            tar.addfile(program, io.BytesIO(self.busybox))
            for tool in ("sh", "cat", "echo"):
                link = tarfile.TarInfo(f"bin/{tool}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        return content.getvalue()

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)

    @property
    def host(self) -> str:
        return f"{self.address}:{self.port}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.hold:
            return await self.hold(request)
        if self.instead:
            return self.instead(request)
        if (
            self.login
            and request.headers.get("Authorization") != f"Basic {b64encode(self.login.encode()).decode()}"
        ):
            challenge = {"WWW-Authenticate": 'Basic realm="a registry of tests"'}
            return web.json_response({"errors": [{"code": "UNAUTHORIZED"}]}, status=401, headers=challenge)
        kind, _, name = request.path.removeprefix("/v2/shop/base/").partition("/")
        if request.path == "/v2/":
            return web.json_response({})
        if kind == "manifests" and name in {"1", self.digest}:
            return web.Response(
                body=self.manifest, headers={"Content-Type": TYPES, "Docker-Content-Digest": self.digest}
            )
        if kind == "blobs" and name in self.blobs:
            return web.Response(body=self.blobs[name])
        return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "x"}]}, status=404)


@contextlib.asynccontextmanager
async def served(
    registry: Registry, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Registry]:
    """Without TLS an engine accepts it from its own loopback only."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", registry.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0, ssl_context=tls).start()
        registry.address = host
        registry.port = runner.addresses[0][1]
        yield registry
    finally:
        await runner.cleanup()
