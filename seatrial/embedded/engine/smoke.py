"""Checks whether a runtime of the engine really starts containers; an engine that answers may still fail to.

No image is needed: a container with an empty file system is started, and the error that its program does not exist
comes from inside the new namespaces, after every step that could fail.
"""

import io
import json
import tarfile
from http.client import HTTPException

from seatrial.embedded.engine import detect

IMAGE = "seatrial-smoke"
PROGRAM = "/seatrial-smoke"
NO_NETWORK_OF_ITS_OWN = "root network namespace"  # words of gVisor: it is an old one on a new kernel


def obstacle(runtime: str, *, to: str = detect.STANDARD) -> str | None:
    """Why containers of this runtime do not start, in the engine's words, or None. Leaves nothing behind."""
    image = container = ""
    try:
        image = _image(to)
        config = {
            "Image": image,
            "Entrypoint": [PROGRAM],
            "HostConfig": {"Runtime": runtime, "NetworkMode": "none"},
        }
        made = detect.request(to, "POST", "/containers/create", body=json.dumps(config).encode(), timeout=30)
        container = made["Id"]
        detect.request(to, "POST", f"/containers/{container}/start", timeout=60)
    except (OSError, HTTPException, ValueError, KeyError) as error:
        complaint = str(error)
        return None if PROGRAM in complaint else complaint
    finally:
        _remove(to, f"/containers/{container}?force=1" if container else "")
        _remove(to, f"/images/{image}?force=1" if image else "")
    return None


def _image(to: str) -> str:
    """Make an image that contains only one empty folder."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        folder = tarfile.TarInfo("tmp")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    path = f"/images/create?fromSrc=-&repo={IMAGE}&tag=latest"
    answer = detect.request(to, "POST", path, body=archive.getvalue(), timeout=30, kind="application/x-tar")
    if "error" in answer:
        raise ValueError(str(answer["error"]))
    return str(answer["status"])


def _remove(to: str, path: str) -> None:
    if path:
        try:
            detect.request(to, "DELETE", path, timeout=30)
        except (OSError, HTTPException, ValueError):
            return
