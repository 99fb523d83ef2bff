"""`python3 -m seatrial.sandbox.tool`: runs one tool on the files of one commit, once, and says what the tool said.

On stdin: a job (JSON), then a tar archive of the files, each after its length. On stdout: an answer (JSON) after its length.
Nothing else is ever written there. It ends with stdin: whoever started it is gone then.

Job: {"command", "version", "variables", "seconds", "most_bytes", "kept"}. The command runs in the folder of the files. Below the
folder $TMPDIR, `files` holds those of the archive, and `kept` what the tool works out once for all commits: what is in the archive
below `kept` is laid there, and with "kept" true, its files are part of the answer (base64).
Answer: {"code", "output", "errors", "version", "kept"}; "missing" in place of all if there is no such program, "late" if it took
longer than "seconds".
"""

import base64
import io
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import threading
from pathlib import Path
from typing import Any, BinaryIO

LENGTH = struct.Struct("!Q")
MOST_ERRORS = 200_000  # bytes of a tool's stderr
VERSION_SECONDS = 20.0


def main() -> None:
    """One job."""
    given = sys.stdin.buffer
    job = json.loads(_read(given))
    folder = Path(tempfile.gettempdir())
    _lay_out(_read(given), folder)
    threading.Thread(target=_end_with, args=(given,), daemon=True).start()
    answer = json.dumps(_answer(job, folder)).encode()
    sys.stdout.buffer.write(LENGTH.pack(len(answer)) + answer)
    sys.stdout.buffer.flush()
    os._exit(0)  # while a thread still reads


def _read(stream: BinaryIO) -> bytes:
    (length,) = LENGTH.unpack(stream.read(LENGTH.size))
    return stream.read(length)


def _end_with(stream: BinaryIO) -> None:
    stream.read()
    os.killpg(0, signal.SIGKILL) if os.getpid() != 1 else os._exit(1)


def _lay_out(archive: bytes, folder: Path) -> None:
    for name in ("files", "kept"):
        (folder / name).mkdir()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None and ".." not in Path(member.name).parts:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())


def _answer(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    out, errors = folder / "output", folder / "errors"
    variables = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), **job["variables"]}
    try:
        version = subprocess.run(
            job["version"], env=variables, capture_output=True, timeout=VERSION_SECONDS, check=False
        )
        with out.open("wb") as output, errors.open("wb") as said:
            done = subprocess.run(
                job["command"], cwd=folder / "files", env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=said,
                timeout=job["seconds"], check=False, preexec_fn=lambda: _limit(job["most_bytes"]),
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"late": True}
    except OSError as error:
        return {"missing": str(error)}
    return {
        "code": done.returncode,
        "output": out.read_bytes().decode(errors="replace"),
        "errors": errors.read_bytes()[:MOST_ERRORS].decode(errors="replace"),
        "version": version.stdout.decode(errors="replace")[:1_000],
        "kept": _kept(folder / "kept") if job["kept"] else {},
    }


def _limit(most_bytes: int) -> None:
    """A tool that writes without end is ended by the file's limit."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _kept(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): base64.b64encode(path.read_bytes()).decode()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


if __name__ == "__main__":
    main()
