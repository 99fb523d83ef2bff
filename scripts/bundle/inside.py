"""What is installed in an image, read from its layers: no container runs for it, so it is true of an image without a shell, too."""

import hashlib
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from scripts.bundle.archive import Image, opened
from scripts.images import context

DPKG, APK = "var/lib/dpkg/status", "lib/apk/db/installed"
# Programs that no list names: of stand-ins, the tools of facts, and the Python of an image that compiled its own.
PROGRAM = re.compile(rf"tools/[^/]+|usr/local/bin/(?:{'|'.join(context.PROGRAMS)}|python3\.\d+)")
RELEASES = ("etc/os-release", "usr/lib/os-release")
PYTHON = re.compile(r"(?:^|/)site-packages/(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/METADATA$")


@dataclass(frozen=True)
class Package:
    """One package of a distribution, as a package URL names it."""

    kind: str  # deb or apk
    distribution: str
    release: str
    name: str
    version: str
    architecture: str


@dataclass
class Found:
    """What a layer holds: the texts of lists, the versions of Python packages, and the hashes of programs, all by name."""

    texts: dict[str, str] = field(default_factory=dict)
    python: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inside:
    """What one image holds."""

    packages: list[Package]
    python: dict[str, str]
    programs: dict[str, str]


def read(archive: Path, images: list[Image]) -> dict[Image, Inside]:
    """What each image of an archive holds. What a higher layer removed without writing a new list is still counted."""
    with tarfile.open(archive) as saved:

        @cache
        def layer(name: str) -> Found:
            with tarfile.open(fileobj=opened(saved, name)) as files:
                return of_layer(files)

        return {image: together([layer(name) for name in image.layers]) for image in images}


def of_layer(files: tarfile.TarFile) -> Found:
    """What one layer holds."""
    found = Found()
    for member in files:
        name = member.name.removeprefix("./").lstrip("/")
        if name in {DPKG, APK, *RELEASES} and member.isfile():
            found.texts[name] = opened(files, member.name).read().decode(errors="replace")
        elif PROGRAM.fullmatch(name) and member.isfile():
            program = name.rpartition("/")[2]
            found.programs[program] = hashlib.sha256(opened(files, member.name).read()).hexdigest()
        elif match := PYTHON.search(name):
            found.python[canonical(match["name"])] = match["version"]
    return found


def together(layers: list[Found]) -> Inside:
    """Layers above each other: the highest list counts."""
    texts = {name: text for layer in layers for name, text in layer.texts.items()}
    release = next((fields(texts[name], "=") for name in RELEASES if name in texts), {})
    distribution, version = release.get("ID", "unknown"), release.get("VERSION_ID", "")
    packages = [
        *(Package("deb", distribution, version, *one) for one in of_dpkg(texts.get(DPKG, ""))),
        *(Package("apk", distribution, version, *one) for one in of_apk(texts.get(APK, ""))),
    ]
    python = {name: version for layer in layers for name, version in layer.python.items()}
    programs = {name: digest for layer in layers for name, digest in layer.programs.items()}
    return Inside(packages, python, programs)


def of_dpkg(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, version and architecture of every package that is installed."""
    for paragraph in text.split("\n\n"):
        said = fields(paragraph, ": ")
        if "Version" in said and said.get("Status", "").endswith(" installed"):
            yield said["Package"], said["Version"], said.get("Architecture", "")


def of_apk(text: str) -> Iterator[tuple[str, str, str]]:
    """The same of Alpine's list, whose fields have one letter each."""
    for paragraph in text.split("\n\n"):
        said = fields(paragraph, ":")
        if "P" in said and "V" in said:
            yield said["P"], said["V"], said.get("A", "")


def fields(text: str, separator: str) -> dict[str, str]:
    """The fields of a paragraph; the lines that go on with one are left out."""
    lines = (line.partition(separator) for line in text.splitlines() if not line.startswith((" ", "#")))
    return {name: value.strip('"') for name, _, value in lines if value}


def canonical(name: str) -> str:
    """A Python package's name, as lock files have it."""
    return re.sub(r"[-_.]+", "-", name).lower()
