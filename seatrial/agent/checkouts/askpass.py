"""Passes a credential to git through an askpass program that answers for one host and no other.

The program holds no secret: it reads the credential from its environment, which only git and its children have. If a
server redirects git to another host, the program gives no answer for that host.
"""

import base64
from pathlib import Path
from urllib.parse import urlsplit

from seatrial.agent.checkouts.git import Git
from seatrial.wire.credentials import Login

SCRIPT = """#!/bin/sh
case "$1" in
  "Username for 'https://$SEATRIAL_GIT_HOST': ") printf '%s\\n' "$SEATRIAL_GIT_USERNAME" ;;
  "Password for 'https://"*"@$SEATRIAL_GIT_HOST': ") printf '%s\\n' "$SEATRIAL_GIT_PASSWORD" ;;
  *) exit 1 ;;
esac
"""


def knowing(git: Git, login: Login, clone_url: str, *, folder: Path) -> Git:
    """`git`, signing in at the host of `clone_url` over HTTPS as `login`, with the credential hidden in its messages."""
    program = folder / "askpass"
    program.write_text(SCRIPT)
    program.chmod(0o700)
    pair = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
    return Git(
        git.configuration,
        {
            **git.extra,
            "GIT_ASKPASS": str(program),
            "SEATRIAL_GIT_HOST": urlsplit(clone_url).netloc.rpartition("@")[2],
            "SEATRIAL_GIT_USERNAME": login.username,
            "SEATRIAL_GIT_PASSWORD": login.password,
        },
        hidden=[secret for secret in (login.password, pair) if secret],
    )
