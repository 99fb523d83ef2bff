"""The machine on which bundles are built: this one, with a clean clone in place of the work tree."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from scripts.images.making import OTHERS, OURS
from tests.repositories import commit, git
from tests.walks.page import ROOT, Page

KEPT = "SEATRIAL_TEST_BUNDLES"  # a folder: bundles of an earlier walk that are there are used; else new ones are put there
MIGRATION = """\
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("installation", "0001_initial")]
    operations = [migrations.RunSQL("CREATE TABLE walked (id int)", "DROP TABLE walked")]
"""


@dataclass
class BuildMachine:
    """`types` runs what an operator would in the checkout, with an environment that stays from one block to the next."""

    clone: Path

    @classmethod
    def of_this_commit(cls, folder: Path) -> "BuildMachine":
        """With HEAD checked out, so without what is not committed here."""
        clone = folder / "seatrial"
        git(folder, "clone", "-q", str(ROOT), str(clone))
        (clone / ".venv").mkdir()
        return cls(clone)

    def types(self, block: str) -> str:
        """Type the block where the checkout usually is, because commands in .venv know where that is."""
        began = time.monotonic()
        sys.stdout.write("".join(f"    build$ {line}\n" for line in block.strip().splitlines()))
        sys.stdout.flush()
        placed = (
            f"mount --bind {ROOT}/.venv {self.clone}/.venv && mount --rbind {self.clone} {ROOT} && cd {ROOT}"
        )
        known = {name: value for name, value in os.environ.items() if not name.startswith(("DB_", "PYTEST"))}
        done = subprocess.run(
            ["unshare", "--mount", "bash", "-euc", f"{placed}\n{block}"],
            env=known, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        sys.stdout.write(f"      {done.returncode}, after {time.monotonic() - began:.1f} s\n")
        assert done.returncode == 0, f"{block}\n{done.stdout[-5000:]}"
        return done.stdout


def both(folder: Path, page: Page) -> Path:
    """A folder with the bundles 1.2 and 1.3, signed, and the public key. 1.3 is of a later commit, which has one migration more."""
    keys, first = page["openssl genpkey"], page["./scripts/build-airgap-bundle.sh 1.2"]
    kept = Path(os.environ.get(KEPT) or folder / "carried")
    if (kept / "signing.pub").exists():
        return kept
    kept.mkdir(exist_ok=True)
    machine = BuildMachine.of_this_commit(folder)
    _of_nobody_else()
    try:
        machine.types(keys + first)
        commit(
            machine.clone,
            {"seatrial/control/installation/migrations/9999_walked.py": MIGRATION},
            "One migration more",
        )
        machine.types(f"export SIGNING_KEY=signing.pem\n{first.replace('1.2', '1.3')}")
    finally:
        subprocess.run(["docker", "rmi", *_images()], check=False, capture_output=True)
    for made in (*machine.clone.glob("dist/gitgrit-*"), machine.clone / "signing.pub"):
        shutil.copy(made, kept)
    return kept


def _images() -> list[str]:
    """What both builds put on the engine of this machine."""
    names = [*OURS, *(f"gitgrit-{other.name}" for other in OTHERS)]
    return [f"{name}:{tag}" for tag in ("1.2", "1.3") for name in names]


def _of_nobody_else() -> None:
    """Images of these tags are removed at the end, so there must be none now."""
    there = subprocess.run(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    taken = set(_images()) & set(there.stdout.split())
    assert not taken, (
        f"this machine's engine has {', '.join(sorted(taken))}, which this walk would replace and remove"
    )
