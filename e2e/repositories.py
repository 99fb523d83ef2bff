"""Small git repositories of the shapes that people really have. None needs a registry."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

BUSYBOX = "/bin/busybox"  # the distribution's static build (package busybox-static)


def git(path: Path, *arguments: str) -> str:
    """Run git in `path` and return what it printed."""
    done = subprocess.run(
        ["git", "-c", "user.name=Alice", "-c", "user.email=alice@example.test", *arguments],
        cwd=path,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(path: Path, files: Mapping[str, str], message: str = "Change") -> str:
    """Write `files`, commit all of it, return the commit."""
    for name, text in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    git(path, "add", "-A")
    git(path, "commit", "-qm", message)
    return git(path, "rev-parse", "HEAD")


def repository(path: Path, files: Mapping[str, str], branch: str = "feature") -> Path:
    """A repository with an almost empty `main` and `files` on `branch`."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", "main")
    commit(path, {"README.md": f"# {path.name}\n"}, "Begin")
    git(path, "checkout", "-qb", branch)
    commit(path, files, "Feature")
    return path


STATIC_DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
COPY www /www
EXPOSE 8080
CMD ["/bin/busybox", "httpd", "-f", "-vv", "-p", "8080", "-h", "/www"]
"""


def static(path: Path, text: str = "version one", **more: str) -> Path:
    """`FROM scratch` with one static binary, which prints each request: no base image at all."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", "main")
    commit(path, {"README.md": f"# {path.name}\n"}, "Begin")
    git(path, "checkout", "-qb", "feature")
    shutil.copy(BUSYBOX, path / "busybox")
    commit(path, {"Dockerfile": STATIC_DOCKERFILE, "www/index.html": text, **more}, "Feature")
    return path
