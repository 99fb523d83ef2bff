"""The bill of materials, as CycloneDX 1.5 in JSON: https://cyclonedx.org/docs/1.5/json/

Images, the packages of distributions and Python in them, our own release, and programs beside them. Written by hand and not
by a library: it is one document of plain fields, and a test holds it against the published schema's.
"""

import datetime
import hashlib
import re
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts.bundle.archive import Image
from scripts.bundle.inside import Inside, Package, canonical
from scripts.images.context import Source
from seatrial import __version__
from seatrial.agent.sandboxes.facts.tools import TOOLS

Component = dict[str, Any]
OWN = "seatrial"
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


def written(
    source: Source,
    insides: Mapping[Image, Inside],
    hashes: Mapping[str, list[str]],
    known: Mapping[str, str],
    beside: list[Path],
) -> dict[str, Any]:
    """The document. `hashes` are those of the lock file, by `name==version`; `known` has versions of programs, by their
    hashes; programs `beside` the images are packed as they are.
    """
    components: dict[str, Component] = {}
    depends: dict[str, list[str]] = {}
    for image, inside in insides.items():
        outer = container(image)
        inner = [
            *(of_distribution(package) for package in inside.packages),
            *(python(name, version, hashes) for name, version in inside.python.items()),
            *(program(name, digest, known.get(digest, "")) for name, digest in inside.programs.items()),
        ]
        components |= {one["bom-ref"]: one for one in [outer, *inner]}
        depends[outer["bom-ref"]] = sorted({one["bom-ref"] for one in inner})
    alone = {one["bom-ref"]: one for one in (program(path.name, hashed(path)) for path in beside)}
    components |= alone
    top = f"gitgrit-install@{source.tag}"
    depends[top] = sorted([*depends, *alone])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{top}#{source.commit}')}",
        "version": 1,
        "metadata": metadata(source, top),
        "components": [components[ref] for ref in sorted(components)],
        "dependencies": [{"ref": ref, "dependsOn": depends[ref]} for ref in sorted(depends)],
    }


def metadata(source: Source, top: str) -> dict[str, Any]:
    """What the bill is of. Its time is the commit's, so that the same commit has the same bill."""
    return {
        "timestamp": datetime.datetime.fromtimestamp(source.seconds, datetime.UTC).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        ),
        "component": {
            "bom-ref": top,
            "type": "application",
            "name": "gitgrit-install",
            "version": source.tag,
            "properties": [{"name": f"{OWN}:commit", "value": source.commit}],
        },
    }


def container(image: Image) -> Component:
    """An image. Its hash is that of its configuration, which names its layers by theirs."""
    name, _, tag = image.names[0].rpartition(":")
    return {
        "bom-ref": f"image:{image.names[0]}",
        "type": "container",
        "name": name,
        "version": tag,
        "hashes": [{"alg": "SHA-256", "content": image.identity}],
    }


def of_distribution(package: Package) -> Component:
    """A package of a distribution."""
    place = f"pkg:{package.kind}/{quote(package.distribution)}/{quote(package.name)}@{quote(package.version)}"
    distribution = f"{package.distribution}-{package.release}".rstrip("-")
    url = f"{place}?arch={quote(package.architecture)}&distro={quote(distribution)}"
    return {
        "bom-ref": url,
        "type": "library",
        "name": package.name,
        "version": package.version,
        "purl": url,
    }


def python(name: str, version: str, hashes: Mapping[str, list[str]]) -> Component:
    """A Python package; its hashes are those of the files that the lock file admits. Our own has a licence, and no file."""
    url = f"pkg:pypi/{name}@{quote(version)}"
    made: Component = {
        "bom-ref": url,
        "type": "library",
        "name": name,
        "version": version,
        "purl": url,
        "hashes": [{"alg": "SHA-256", "content": one} for one in hashes.get(f"{name}=={version}", [])],
    }
    if name == OWN and version == __version__:
        made |= {"type": "application", "licenses": [{"license": {"id": "MIT"}}]}
        del made["purl"]  # nobody but us publishes it
    return made


def program(name: str, digest: str, version: str = "") -> Component:
    """A program that no package brings."""
    return {
        "bom-ref": f"program:{name}@{digest[:16]}",
        "type": "application",
        "name": name,
        **({"version": version} if version else {}),
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def versions(hashes: Mapping[str, list[str]], programs: Path) -> dict[str, str]:
    """By their hashes, the versions of the programs in a folder: those of the wheels that brought them."""
    found = (name.partition("==")[::2] for name in hashes)
    wheels = {name.removesuffix("-bin"): version for name, version in found if name.endswith("-bin")}
    return {hashed(path): wheels[path.name] for path in programs.iterdir() if path.name in wheels}


def versions_of_tools(wheels: Path) -> dict[str, str]:
    """By their hashes, the versions of the tools of facts, which the image of sandboxes has from these wheels."""
    found: dict[str, str] = {}
    for tool in TOOLS.values():
        for wheel in wheels.glob(f"{tool.package.replace('-', '_')}-{tool.version}-*.whl"):
            with zipfile.ZipFile(wheel) as files:
                held = (name for name in files.namelist() if name.endswith(f"/{tool.name}"))
                found |= {hashlib.sha256(files.read(name)).hexdigest(): tool.version for name in held}
    return found


def hashed(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def locked(lock: str, wheels: Path) -> dict[str, list[str]]:
    """By package and version, the hashes of the files in `wheels`; all that the lock file admits where none is there unchanged."""
    held = {hashed(path) for path in wheels.iterdir()}
    found: dict[str, list[str]] = {}
    starts = [*LOCKED.finditer(lock)]
    ends = [*(one.start() for one in starts[1:]), len(lock)]
    for start, end in zip(starts, ends, strict=True):
        admitted = re.findall(r"--hash=sha256:([0-9a-f]{64})", lock[start.start() : end])
        name = f"{canonical(start[1])}=={start[2]}"
        found[name] = [one for one in admitted if one in held] or sorted(admitted)
    return found
