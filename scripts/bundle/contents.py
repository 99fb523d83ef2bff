"""What lies in the folder that an operator unpacks, beside the images."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from scripts.images.context import NEEDED, CannotBuild, Source

COMPOSE = "docker-compose.full.yaml"
VERIFIER = "scripts/bundle/verify-bundle"
BUNDLED = (*NEEDED, "CHANGELOG.md", "THIRD_PARTY.md", "docs", "scripts")  # what a bundle is made from
SANDBOX = "gitgrit-sandbox"  # the only image that no service names
RUNSC, SHIM = "runsc", "containerd-shim-runsc-v1"
TAGGED = re.compile(r"([a-z0-9-]+):\$\{TAG(?:\W.*)?\}")
SECTION = re.compile(r"^## .*$", re.MULTILINE)


def compose(tree: Path) -> dict[str, Any]:
    """The services of the stack."""
    return dict(YAML(typ="safe").load((tree / "deploy" / COMPOSE).read_text())["services"])


def images(services: Mapping[str, Any], tag: str) -> list[str]:
    """Every image of the stack. Raises CannotBuild for one that would not be found where nothing is pulled.

    Without those of profiles, which an operator adds: docs/builders.md says how their images get there.
    """
    names = {SANDBOX}
    for service, said in services.items():
        if said.get("profiles"):
            continue
        if not (match := TAGGED.fullmatch(said["image"])):
            raise CannotBuild(f"{COMPOSE}: the image of {service} must be NAME:${{TAG}}, not {said['image']}")
        names.add(match[1])
    return sorted(f"{name}:{tag}" for name in names)


def mounted(services: Mapping[str, Any]) -> list[str]:
    """The files and folders beside the stack's file that it mounts."""
    volumes = (volume for service in services.values() for volume in service.get("volumes", []))
    return sorted({volume.partition(":")[0].removeprefix("./") for volume in volumes if volume[:2] == "./"})


def lay_out(source: Source, tree: Path, folder: Path) -> None:
    """Put all that comes from the commit into `folder`."""
    for name in (COMPOSE, *mounted(compose(tree))):
        copy(tree / "deploy" / name, folder / name)
    for name in ("CHANGELOG.md", "LICENSE", "THIRD_PARTY.md", "docs", VERIFIER):
        copy(tree / name, folder / Path(name).name)
    example = (tree / "deploy/.env.airgap.example").read_text()
    (folder / ".env.example").write_text(re.sub(r"^TAG=$", f"TAG={source.tag}", example, flags=re.MULTILINE))
    (folder / "RELEASE-NOTES.md").write_text(release_notes(source, (tree / "CHANGELOG.md").read_text()))


def copy(origin: Path, target: Path) -> None:
    """A file or a folder, with its modes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if origin.is_dir():
        shutil.copytree(origin, target)
    else:
        shutil.copy(origin, target)


def release_notes(source: Source, changelog: str) -> str:
    """The changelog's newest section, under the name of the release. Raises CannotBuild where there is none."""
    headings = [*SECTION.finditer(changelog)]
    if not headings:
        raise CannotBuild(
            "CHANGELOG.md has no section (a line that begins with `## `), so there are no release notes"
        )
    end = headings[1].start() if len(headings) > 1 else len(changelog)
    return (
        f"# Release notes: {source.tag}\n\nCommit {source.commit}. Earlier releases: [CHANGELOG.md](CHANGELOG.md).\n"
        f"How to upgrade: [docs/install/airgapped.md](docs/install/airgapped.md#upgrade).\n\n"
        f"{changelog[headings[0].start() : end].rstrip()}\n"
    )


def gvisor(given: str) -> dict[str, Path]:
    """runsc, and its containerd shim where it lies beside it: those of `given`, or of this host. Empty if there is none."""
    if given and not Path(given).is_file():
        raise CannotBuild(f"RUNSC is {given}, where no file is. Write the path of runsc, or leave RUNSC out")
    found = given or shutil.which(RUNSC)
    if not found:
        return {}
    beside = Path(found).with_name(SHIM)
    return {RUNSC: Path(found), **({SHIM: beside} if beside.is_file() else {})}


def put(programs: Mapping[str, Path], folder: Path) -> list[Path]:
    """Copy programs into `folder`, as such; returns what is there then."""
    for name, path in programs.items():
        shutil.copy(path, folder / name)
        (folder / name).chmod(0o755)
    return [folder / name for name in programs]
