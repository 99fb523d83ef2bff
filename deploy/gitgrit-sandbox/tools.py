"""Lays the tools of facts out, from their wheels. Python does what a shell would, because the base may have none."""

import zipfile
from pathlib import Path

PROGRAMS = {"zizmor": "zizmor-*.whl", "kingfisher": "kingfisher_bin-*.whl"}

for name, pattern in PROGRAMS.items():
    [wheel] = Path("/wheels").glob(pattern)
    with zipfile.ZipFile(wheel) as files:
        inside = max(
            (one for one in files.infolist() if one.filename.endswith(f"/{name}")),
            key=lambda one: one.file_size,
        )
        program = Path("/tools") / name
        program.parent.mkdir(exist_ok=True)
        program.write_bytes(files.read(inside))
        program.chmod(0o755)
