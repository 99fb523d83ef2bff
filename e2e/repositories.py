"""Small git repositories of the shapes that people really have. None needs a registry."""

import shutil
from pathlib import Path

from tests.repositories import commit, git, repository

__all__ = ["commit", "git", "repository", "static"]

BUSYBOX = "/bin/busybox"  # the distribution's static build (package busybox-static)

STATIC_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
COPY www /www
EXPOSE 8080
CMD ["/bin/busybox", "httpd", "-f", "-vv", "-p", "8080", "-h", "/www"]
"""


def static(path: Path, text: str = "version one", **more: str) -> Path:
    """`FROM scratch` with one static binary, which prints each request: no base image at all."""
    repository(path, {})
    shutil.copy(BUSYBOX, path / "busybox")
    commit(path, {"Dockerfile": STATIC_DOCKERFILE, "www/index.html": text, **more}, "Feature")
    return path
