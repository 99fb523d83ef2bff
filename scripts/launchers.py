"""Make the product importable and its commands runnable in .venv, without building a package.

Standard library only: it also fingerprints the lock files before anything is installed.
"""

import hashlib
import re
import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# To the shell the second line is a command, to Python the second and third are a string: a `#!` line of Python's own
# could hold neither a space nor a long path.
LAUNCHER = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

from {module} import {function}

sys.exit({function}())
"""


def fingerprint(names: list[str]) -> str:
    """One hash over the files, what is written here, this folder's place and the Python that runs."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]} {LAUNCHER}".encode())
    for name in names:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def launcher(python: str, module: str, function: str) -> str:
    """A script that runs the function with this Python, whatever characters its path has."""
    quoted = re.sub(r'(["$`\\])', r"\\\1", python)
    return LAUNCHER.format(python=quoted, module=module, function=function)


def write_launchers() -> None:
    """A .pth file, and one script per entry of [project.scripts]. Run it with the environment's own Python."""
    Path(sysconfig.get_path("purelib"), "seatrial.pth").write_text(f"{ROOT}\n")
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for name, entry in scripts.items():
        module, function = entry.split(":")
        path = Path(sys.executable).parent / name
        path.write_text(launcher(sys.executable, module, function))
        path.chmod(0o755)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fingerprint"]:
        print(fingerprint(sys.argv[2:]))
    else:
        write_launchers()
