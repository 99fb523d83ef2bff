"""The files of the sandbox's program, which is located but never imported."""

import hashlib
import importlib.util
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "seatrial.sandbox"


@dataclass(frozen=True)
class SandboxProgram:
    """The program's files by path below the import root. `digest` changes with any of them."""

    root: Path
    files: dict[str, bytes]
    module: str = PACKAGE

    @property
    def environment(self) -> dict[str, str]:
        """The interpreter's environment. It makes the order of sets the same in every run, so that results can be compared."""
        return {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "LANG": "C.UTF-8", "TZ": "UTC"}

    @property
    def digest(self) -> str:
        """SHA-256 over names and contents."""
        whole = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            whole.update(f"{name}\0{len(content)}\0".encode() + content)
        return whole.hexdigest()

    def archive(self, extra: dict[str, bytes], programs: Mapping[str, Path] | None = None) -> io.BytesIO:
        """A tar archive of the files, of `extra` and of `programs`; the same files give the same bytes."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for name, content in sorted({**self.files, **extra}.items()):
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(content), 0o644
                tar.addfile(info, io.BytesIO(content))
            for name, path in sorted((programs or {}).items()):
                info = tarfile.TarInfo(name)
                info.size, info.mode = path.stat().st_size, 0o755
                with path.open("rb") as program:
                    tar.addfile(info, program)
        stream.seek(0)
        return stream


def find_program() -> SandboxProgram:
    """The program's files, located without running a line of them."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{PACKAGE} is not installed beside the agent")
    folder = Path(spec.origin).parent
    files = {f"seatrial/sandbox/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.py"))}
    return SandboxProgram(folder.parent.parent, {"seatrial/__init__.py": b"", **files})
