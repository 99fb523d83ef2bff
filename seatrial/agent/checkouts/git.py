"""Git's command line, run so that a repository can only be read and cannot run anything.

No system or user configuration, no hooks, no prompts, no protocol but file, https and ssh. A credential
travels in the environment to an askpass script, never in an argument, a URL or a log line.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.agent.commands.running import Finished, run
from seatrial.agent.vocabulary.errors import CheckoutError

PROTOCOLS = "file:https:ssh"
KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")

SAFE_OPTIONS = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.fsmonitor=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "credential.helper=",
    "-c", "submodule.recurse=false",
    "-c", "fetch.recurseSubmodules=false",
)  # fmt: skip


# Messages of git, and of servers through git, about a missing, wrong or expired credential.
UNAUTHORISED = re.compile(
    r"authentication failed|could not read (username|password)|access denied|invalid (username|credentials)|"
    r"(requested url returned error|http)[: ]+40[13]\b",
    re.IGNORECASE,
)


class GitFailed(CheckoutError):
    """Git ended with a code other than 0; `said` is its last message. `unauthorised`: the message is about the credential."""

    def __init__(self, message: str, *, said: str = "", unauthorised: bool = False) -> None:
        super().__init__(message, said=said)
        self.unauthorised = unauthorised


@dataclass(frozen=True)
class Git:
    """Runs git with `configuration` as the only configuration file besides the repository's own.

    `hidden` must not appear in any message, even if a server echoes it to git.
    """

    configuration: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: Sequence[str] = field(default=(), repr=False)

    def environment(self) -> dict[str, str]:
        """Git's environment: from the caller only the path, the locale, certificates and proxies."""
        names = [*KEPT_VARIABLES, *PROXY_VARIABLES, *(name.upper() for name in PROXY_VARIABLES)]
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return {
            **kept,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(self.configuration or "/dev/null"),
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": PROTOCOLS,
            "GIT_PROTOCOL_FROM_USER": "0",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oStrictHostKeyChecking=accept-new",
            **self.extra,
        }

    async def finished(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        most_bytes: int | None = None,
        timeout_seconds: float | None = None,
    ) -> Finished:
        """Run to the end, whatever the exit code. Raises CheckoutError if git is missing, and what `running.run` raises."""
        try:
            return await run(
                ["git", *SAFE_OPTIONS, *arguments],
                environment=self.environment(),
                stdin=stdin,
                umask=0o022,  # modes of an exported tree are the commit's, not the operator's
                most_bytes=most_bytes,
                timeout_seconds=timeout_seconds,
            )
        except FileNotFoundError as error:
            raise CheckoutError("git is not installed. Install it: apt-get install git") from error

    async def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        most_bytes: int | None = None,
        timeout_seconds: float = 600.0,
    ) -> bytes:
        """Run to the end and return stdout. Raises GitFailed, and TooMuchOutput past `most_bytes`; cancelling kills git."""
        try:
            done = await self.finished(
                *arguments, stdin=stdin, most_bytes=most_bytes, timeout_seconds=timeout_seconds
            )
        except TimeoutError as error:
            raise GitFailed(f"git {verb(arguments)} did not end within {timeout_seconds:g} s") from error
        if done.code:
            said = last_words(done.errors, self.hidden)
            unauthorised = bool(UNAUTHORISED.search(done.errors.decode(errors="replace")))
            raise GitFailed(f"git {verb(arguments)}: {said}", said=said, unauthorised=unauthorised)
        return done.output


def verb(arguments: Sequence[str]) -> str:
    """The subcommand among `arguments`, for messages."""
    return next((item for item in arguments if re.fullmatch(r"[a-z][a-z-]+", item)), "command")


def last_words(stderr: bytes, hidden: Sequence[str] = ()) -> str:
    """Git's own explanation in one line, without what is `hidden` and without credentials a URL may carry."""
    lines = [line for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    complaints = [
        line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))
    ] or lines[-1:]
    text = "; ".join(complaints[:3]) or "no message"
    for secret in hidden:
        text = text.replace(secret, "[hidden]")
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)
