"""Whether a process of the control plane does its work, asked from beside it, at little cost."""

import http.client
import time
from pathlib import Path

ANSWER_SECONDS = 5.0
LATE_SECONDS = 60.0


def web_problem(port: int) -> str | None:
    """None if the web process at this port answers, and its database does; else what is wrong."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        client.request("GET", "/healthz")
        answer = client.getresponse()
        return None if answer.status == http.HTTPStatus.OK else f"port {port} answers {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        return f"port {port} does not answer ({error or type(error).__name__})"
    finally:
        client.close()


def worker_problem(beat: Path) -> str | None:
    """None if the worker has written its beat lately; else what is wrong."""
    try:
        silent = time.time() - beat.stat().st_mtime
    except OSError:
        return "the worker has not worked yet"
    return None if silent < LATE_SECONDS else f"the worker has done nothing for {silent:.0f} s"
