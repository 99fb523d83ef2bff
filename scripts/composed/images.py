"""The images of what is checked out: those that are there, or built now."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from scripts.composed.place import ROOT
from scripts.images import context
from scripts.images.making import OURS
from seatrial.cli.errors import CommandError
from seatrial.cli.phases import Phases
from seatrial.dotenv import file as dotenv

CACHE = Path("~/.cache/seatrial/images")
BEGINNING = "demo-"  # of every tag of ours
STEP = "images"


def ready(phases: Phases) -> Mapping[str, str]:
    """The lines of .env that name them. The same files are built once, whether they are committed or not.

    Raises CommandError, naming the log of a build that failed.
    """
    try:
        source = context.of_commit(BEGINNING, dirty_too=True)
    except context.CannotBuild as error:
        raise CommandError(f"{error}.") from error
    tag = f"{BEGINNING}{source.commit[:12]}{f'-{changed()}' if source.dirty else ''}"
    kept = CACHE.expanduser() / f"{tag}.env"
    if kept.exists() and all(map(present, names(values := dotenv.read(kept).values))):
        phases.begin(STEP)
        phases.end(STEP)
        return values
    return build(tag, kept, phases, dirty=source.dirty)


def changed() -> str:
    """A digest of what is checked out, with what is not committed."""
    listed = context.git(
        "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *context.NEEDED
    )
    whole = hashlib.sha256()
    for name in sorted(filter(None, listed.decode().split("\0"))):
        if (ROOT / name).is_file():
            whole.update(f"{name}\0".encode() + hashlib.sha256((ROOT / name).read_bytes()).digest())
    return whole.hexdigest()[:8]


def build(tag: str, kept: Path, phases: Phases, *, dirty: bool) -> Mapping[str, str]:
    """Build and verify them, with what scripts/build-images prints in a log."""
    log = kept.with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    what = (
        "what is checked out, with uncommitted changes" if dirty else f"commit {tag.removeprefix(BEGINNING)}"
    )
    phases.note(f"Building images of {what}: some minutes the first time. The log is {log}")
    phases.begin(STEP)
    command = [sys.executable, "-m", "scripts.build_images", tag, "--env", str(kept)]
    with log.open("w") as stream:
        done = subprocess.run(
            ["env", "ALLOW_DIRTY=1", *command], cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        kept.unlink(missing_ok=True)
        raise CommandError(
            "the images could not be built:\n" + "\n".join(log.read_text().splitlines()[-8:]),
            fix=f"All of it: {log}",
        )
    phases.end(STEP)
    values = dotenv.read(kept).values
    forget_others(values["TAG"])
    return values


def names(values: Mapping[str, str]) -> list[str]:
    """Every image that these lines name."""
    return [
        *(f"{one}:{values['TAG']}" for one in OURS),
        *(v for k, v in values.items() if k.endswith("_IMAGE")),
    ]


def present(image: str) -> bool:
    """Whether the engine has it."""
    done = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False)
    return done.returncode == 0


def forget_others(tag: str) -> None:
    """Remove those of earlier demos. One that a container uses stays, as the engine wants it."""
    command = ["docker", "images", "--filter", "label=org.opencontainers.image.version", "--format"]
    listed = subprocess.run(
        [*command, "{{.Repository}}:{{.Tag}}"], capture_output=True, text=True, check=False
    )
    ours = [f"{one}:{BEGINNING}" for one in OURS]
    old = [
        one for one in listed.stdout.split() if one.startswith(tuple(ours)) and not one.endswith(f":{tag}")
    ]
    if old:
        subprocess.run(["docker", "rmi", *old], capture_output=True, check=False)
