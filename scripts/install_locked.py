"""Installs the packages of a lock file into the environment whose Python runs this: `python -m scripts.install_locked LOCK`.

uv does it, with a third of the work of pip. It comes from the same index as all others, and is told of pip's settings: whoever
reaches a mirror with pip has nothing else to set. Where uv is not to be had, or fails, pip does it, and says what is wrong.
"""

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
LOCK_OF_UV = Path(__file__).resolve().parent.parent / "requirements/setup.txt"
TOLD = {  # what pip calls it, and the variable in which uv takes it
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}
ONLY_PIP = {
    "proxy",
    "trusted-host",
    "client-cert",
    "keyring-provider",
    "only-binary",
    "no-binary",
    "no-index",
}
OFF = {"", "0", "false", "no", "off"}


def main(lock: str) -> int:
    """Install; returns the exit code of pip."""
    if by_uv(lock):
        return 0
    return subprocess.run([*PIP, "install", "-qq", "--require-hashes", "-r", lock], check=False).returncode


def by_uv(lock: str) -> bool:
    """Whether uv installed it. What it began is no hindrance to pip."""
    told = for_uv(settings())
    if told is None:
        return False
    with tempfile.TemporaryDirectory(prefix="seatrial-uv-") as folder:
        fetch = [*PIP, "install", "-qq", "--require-hashes", "--target", folder, "-r", str(LOCK_OF_UV)]
        uv = [f"{folder}/bin/uv", "pip", "install", "--quiet", "--python", sys.executable, "--require-hashes"]
        uv += ["--system-certs", "--index-strategy", "unsafe-best-match", "--compile-bytecode", "-r", lock]
        return succeeds(fetch, os.environ) and succeeds(uv, os.environ | told)


def succeeds(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether it ends well. What it says is left out: pip has the last word."""
    try:
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def settings() -> dict[str, str]:
    """What pip's files and variables say; later ones count: all commands, `install`, the environment."""
    listed = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True, check=False).stdout
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.splitlines():
        where, _, setting = line.partition(".")
        name, _, value = setting.partition("=")
        found.get(where, {})[name] = str(ast.literal_eval(value))
    return found["global"] | found["install"] | found[":env:"]


def for_uv(said: Mapping[str, str]) -> dict[str, str] | None:
    """The same as variables for uv; None where it cannot be told how packages are reached."""
    if any(said.get(name, "").strip().lower() not in OFF for name in ONLY_PIP):
        return None
    return {
        variable: ("," if name == "find-links" else " ").join(said[name].split())
        for name, variable in TOLD.items()
        if said.get(name, "").strip()
    }


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
