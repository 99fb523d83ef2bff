"""A stand-in for Traefik's API, for answers that a real one cannot be made to give."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from seatrial.control.previews import routes


class Api:
    """Traefik's API as far as we ask it, showing what the test says."""

    def __init__(self) -> None:
        self.services: dict[str, Any] = {}
        self.routers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.status = 200
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                api.asked.append(self.path)
                status, value, headers = api.answer(self.path)
                body = json.dumps(value).encode()
                self.send_response(status)
                for name, text in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def show(self, candidate: routes.Candidate) -> None:
        for name, endpoint in candidate.servers.items():
            self.services[name] = {"loadBalancer": {"servers": [{"url": endpoint}]}, "status": "enabled"}
        for label, service in candidate.routers.items():
            self.routers[label] = {"service": service, "status": "enabled"}

    def answer(self, path: str) -> tuple[int, Any, dict[str, str]]:
        kind, _, name = path.removeprefix("/api/http/").partition("/")
        kind, _, query = kind.partition("?")
        shown_items = {"services": self.services, "routers": self.routers}[kind]
        if self.status != 200:
            return self.status, {}, {}
        if not name:
            page = int(query.partition("&page=")[2])
            every = [{"name": f"{name}@file", **value} for name, value in sorted(shown_items.items())]
            shown, more = every[(page - 1) * 50 : page * 50], page * 50 < len(every)  # never more than 50
            return 200, shown, {"X-Next-Page": str(page + 1 if more else 1)}
        one = shown_items.get(name.removesuffix("@file"))
        return (200, one, {}) if one else (404, {"message": "not found"}, {})

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
