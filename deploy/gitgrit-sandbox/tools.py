"""Takes the tools out of their wheels. Python does what a shell would: where no registry answers, the base has none."""

import shutil
from pathlib import Path
from zipfile import ZipFile

TOOLS = Path("/tools")
PROGRAMS = {"zizmor-*.whl": ".data/scripts/zizmor", "kingfisher_bin-*.whl": "kingfisher/bin/kingfisher"}

TOOLS.mkdir()
for pattern, program in PROGRAMS.items():
    [wheel] = Path("/wheels").glob(pattern)
    with ZipFile(wheel) as archive:
        [member] = [name for name in archive.namelist() if name.endswith(program)]
        target = TOOLS / Path(program).name
        with archive.open(member) as source, target.open("wb") as copied:
            shutil.copyfileobj(source, copied)
    target.chmod(0o755)
