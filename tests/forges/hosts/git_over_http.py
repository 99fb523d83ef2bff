"""Serves bare repositories as every forge does: git's own smart HTTP, behind a password."""

import os
import subprocess
from pathlib import Path

from werkzeug.wrappers import Request, Response


def served(root: Path, path: str, request: Request, user: str) -> Response:
    """Answer a request of git for `path` below `root`."""
    environment = os.environ | {
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "PATH_INFO": path,
        "QUERY_STRING": request.query_string.decode(),
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "REMOTE_USER": user,
        "REMOTE_ADDR": request.remote_addr or "",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    body = request.get_data()
    if request.headers.get("Content-Encoding"):
        environment["HTTP_CONTENT_ENCODING"] = request.headers["Content-Encoding"]
    done = subprocess.run(
        ["git", "http-backend"], env=environment, input=body, capture_output=True, check=True
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if line]
    status = next((value for name, value in headers if name == "Status"), "200 OK")
    answer = Response(content, status=status)
    for name, value in headers:
        if name != "Status":
            answer.headers[name] = value
    return answer
