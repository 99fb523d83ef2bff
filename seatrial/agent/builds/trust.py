"""An organisation's own certificate authority, trusted by RUN steps and by nothing of the finished image.

The bundle is mounted below /dev, which is not part of an image. A wrapper of the OCI runtime names it in the environment
of each step, so it appears neither in layers nor in their cache keys.
"""

import shlex
from pathlib import Path

from seatrial import files
from seatrial.agent.vocabulary.errors import BuildError

FILE = "ca-certificates.crt"
RUNTIME = "runc-with-certificates"
INSIDE = f"/dev/{FILE}"
VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
)

WRAPPER = """#!/bin/sh
# buildah hands a bundle over to its runtime: add to the environment that it describes.
before=
for argument in "$@"; do
  case "$before" in --bundle | -b) sed -i 's#"env":\\[#"env":[{values},#' "$argument/config.json" ;; esac
  before=$argument
done
exec {runtime} "$@"
"""


def bundle(certificates: Path) -> bytes:
    """What the operator's file holds. Raises BuildError."""
    if not certificates.is_file():
        raise BuildError(f"GALLEY_BUILD_CA_FILE: there is no file {certificates}. Correct or unset it")
    return certificates.read_bytes()


def prepare(certificates: Path, tools: Path, runtime: str) -> None:
    """Put the bundle and the runtime's wrapper into `tools`, which running builds may be reading. Raises BuildError.

    A bundle that did not change stays the same file: steps of running builds mount it, and a file that was replaced
    cannot be mounted any more."""
    content = bundle(certificates)
    values = ",".join(f'"{name}={INSIDE}"' for name in VARIABLES)
    wrapper = WRAPPER.format(values=values, runtime=shlex.quote(runtime))
    if not _is(tools / FILE, content):
        files.replace(tools / FILE, content)
    files.replace(tools / RUNTIME, wrapper, mode=0o755)


def _is(file: Path, content: bytes) -> bool:
    return file.exists() and file.read_bytes() == content


def arguments(tools: str) -> list[str]:
    """buildah's options that use both."""
    return ["--runtime", f"{tools}/{RUNTIME}", "--volume", f"{tools}/{FILE}:{INSIDE}:ro"]
