"""The checkout that this installation runs from."""

import subprocess

from seatrial.embedded.typed import CHECKOUT


def commit() -> str:
    """Its commit; empty if this is no checkout, or another user's."""
    command = ["git", "-C", str(CHECKOUT), "rev-parse", "--verify", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 and (CHECKOUT / ".git").exists() else ""
