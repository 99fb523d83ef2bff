"""What is packed for a network without internet: that it is complete, the same from the same, and what it is made from."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from scripts import build_airgap_bundle
from scripts.bundle import archive, contents, packing
from scripts.images import context
from scripts.images.context import CannotBuild, Source
from scripts.images.making import OTHERS, OURS
from tests.deploy.saved_images import BOOKWORM, DPKG, save
from tests.repositories import commit, git, repository

ROOT = Path(__file__).parents[2]
SOURCE = Source("1.2", "c0ffee", 1_700_000_000, dirty=False)
MADE = [*(f"{name}:1.2" for name in OURS), *(f"gitgrit-{other.name}:1.2" for other in OTHERS)]
BASE = {"etc/os-release": BOOKWORM, "var/lib/dpkg/status": DPKG.format("libc6", "2.36-9+deb12u1")}


def private(key: object, encryption: KeySerializationEncryption | None = None) -> bytes:
    """A key as OpenSSL writes it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A commit with what a bundle takes from one."""
    path = repository(tmp_path / "checkout", {})
    git(path, "checkout", "-q", "-B", "main")
    for name in ("deploy", contents.VERIFIER):
        contents.copy(ROOT / name, path / name)
    files = dict.fromkeys(
        ("LICENSE", "README.md", "THIRD_PARTY.md", "docs/install/page.md", "seatrial/x.py"), "committed"
    )
    changes = "# Changelog\n\n## 1.2\n\n- New.\n\n## 1.1\n\n- Old.\n"
    commit(
        path,
        {
            **files,
            "pyproject.toml": "",
            context.LOCK: "django==5.2 \\\n    --hash=sha256:" + "0" * 64,
            "CHANGELOG.md": changes,
        },
    )
    monkeypatch.setattr(context, "ROOT", path)
    return path


@pytest.fixture
def built(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that bundles are written to. Images are not built here, and an engine with other times saves each one."""
    monkeypatch.setattr(context, "packages", lambda lock, kept: kept)
    monkeypatch.setattr(context, "wheel", lambda source, target: None)
    monkeypatch.setattr(context, "PROGRAMS", ())
    (tmp_path / "cache/wheels").mkdir(parents=True)
    monkeypatch.setattr(build_airgap_bundle, "CACHE", tmp_path / "cache")
    times = iter(range(1, 9))

    async def build(
        source: Source, folder: Path, data: Path, *, air_gapped: bool
    ) -> tuple[list[str], list[str]]:
        assert air_gapped
        return [name.replace("1.2", source.tag) for name in MADE], ["TAG=1.2", "GALLEY_BUS_IMAGE=stand-in"]

    def saving(names: Sequence[str], target: Path) -> None:
        now = next(times)
        save(target, {name: [BASE, {"name": name}] for name in names}, seconds=now, old=now % 2 == 1)

    monkeypatch.setattr(build_airgap_bundle, "build", build)
    monkeypatch.setattr(archive, "save", saving)
    (runsc := tmp_path / "runsc").write_text("gVisor")
    monkeypatch.setenv("RUNSC", str(runsc))
    monkeypatch.delenv("ALLOW_DIRTY", raising=False)
    monkeypatch.delenv("SIGNING_KEY", raising=False)
    monkeypatch.setattr(sys, "argv", ["build", "1.2"])
    return tmp_path


def bundle(out: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pack into `out`; returns the archive."""
    monkeypatch.setenv("OUT_DIR", str(out))
    build_airgap_bundle.main()
    (packed,) = out.glob("*.tgz")
    return packed


def test_an_operator_unpacks_one_folder_with_all_that_an_install_needs(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (key := built / "signing.pem").write_bytes(private(Ed25519PrivateKey.generate()))
    monkeypatch.setenv("SIGNING_KEY", str(key))
    packed = bundle(built / "out", monkeypatch)
    assert sorted(path.name for path in (built / "out").iterdir()) == [
        "gitgrit-install-1.2.tgz",
        "gitgrit-install-1.2.tgz.sha256",
    ]
    subprocess.run(
        ["sha256sum", "--check", "--quiet", f"{packed.name}.sha256"], cwd=packed.parent, check=True
    )
    subprocess.run(["tar", "xzf", packed.name], cwd=packed.parent, check=True)
    folder = packed.parent / "gitgrit-install-1.2"
    there = {str(path.relative_to(folder)) for path in packing.files(folder)}
    assert there == {
        ".env.example", "CHANGELOG.md", "LICENSE", "RELEASE-NOTES.md", "SHA256SUMS", "SHA256SUMS.sig", "THIRD_PARTY.md", "bom.json",
        "bus/nats.conf", "docker-compose.full.yaml", "docs/install/page.md", "engine-proxy/haproxy.cfg", "engine-proxy/healthy", "sole-user",
        "gitgrit-bundle-1.2.tar", "runsc", "verify-bundle",
    }  # fmt: skip
    assert os.access(folder / "verify-bundle", os.X_OK)
    assert os.access(folder / "runsc", os.X_OK)
    assert "\nTAG=1.2\n" in (folder / ".env.example").read_text()
    subprocess.run(
        ["openssl", "pkey", "-in", str(key), "-pubout", "-out", "signing.pub"], cwd=packed.parent, check=True
    )
    verified = [str(folder / "verify-bundle"), "--key", "signing.pub"]
    subprocess.run(verified, cwd=packed.parent, check=True)
    said = capsys.readouterr().err
    assert "docker load -i gitgrit-bundle-1.2.tar" in said
    assert "gVisor:    runsc (no containerd-shim-runsc-v1 lies beside it" in said
    assert "in place of nats:2.15-alpine, which no registry here has" in said
    with tarfile.open(packed) as archived:
        names = archived.getnames()
    assert names.index("gitgrit-install-1.2/verify-bundle") < names.index(
        "gitgrit-install-1.2/gitgrit-bundle-1.2.tar"
    )


def test_the_same_commit_gives_the_same_bytes(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bundle(built / "first", monkeypatch)
    before = os.umask(0o077)
    try:
        second = bundle(built / "second", monkeypatch)
    finally:
        os.umask(before)
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as unpacked:
        owners = {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in unpacked}
    assert owners == {(0, 0, "root", "root", int(git(context.ROOT, "show", "-s", "--format=%ct")))}
    assert first.read_bytes()[4:8] == bytes(4), "gzip notes no time"


def test_changes_that_are_not_committed_are_refused_by_name_or_mark_the_tag(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (context.ROOT / "docs/install/page.md").write_text("changed")
    with pytest.raises(SystemExit, match=r"uncommitted changes \(docs/install/page.md\).*ALLOW_DIRTY=1"):
        bundle(built / "out", monkeypatch)
    assert not (built / "out").exists()
    monkeypatch.setenv("ALLOW_DIRTY", "1")
    packed = bundle(built / "out", monkeypatch)
    assert packed.name == "gitgrit-install-1.2-dirty.tgz"
    with tarfile.open(packed) as unpacked:
        page = unpacked.extractfile("gitgrit-install-1.2-dirty/docs/install/page.md")
        assert page
        assert page.read() == b"changed"


@pytest.mark.parametrize("step", ["normalise", "pack"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(
    built: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((archive, "rewritten") if step == "normalise" else (packing, "hashed")), full)
    with pytest.raises(SystemExit, match=r"No space left on device.*OUT_DIR=FOLDER"):
        bundle(built / "out", monkeypatch)
    assert [*(built / "out").iterdir()] == []


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (None, "cannot be read: No such file"),
        (b"no key", "is not a private key in PEM"),
        (private(generate_private_key(SECP256R1())), "is not an Ed25519 key"),
        (private(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"x")), "is locked with a password"),
    ],
)
def test_a_key_that_cannot_sign_is_found_before_anything_is_built(
    built: Path, monkeypatch: pytest.MonkeyPatch, key: bytes | None, said: str
) -> None:
    if key is not None:
        (built / "key.pem").write_bytes(key)
    monkeypatch.setenv("SIGNING_KEY", str(built / "key.pem"))
    with pytest.raises(SystemExit, match=f"SIGNING_KEY: .*key.pem {said}"):
        bundle(built / "out", monkeypatch)
    assert not (built / "out").exists()


def test_gvisor_is_that_of_the_host_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert contents.gvisor("") == {}
    (tmp_path / "runsc").touch(mode=0o755)
    assert contents.gvisor("") == {"runsc": tmp_path / "runsc"}
    (tmp_path / contents.SHIM).touch()
    (other := tmp_path / "runsc-2026").touch()
    assert contents.gvisor(str(other)) == {"runsc": other, contents.SHIM: tmp_path / contents.SHIM}
    with pytest.raises(CannotBuild, match=r"RUNSC is .*/none, where no file is"):
        contents.gvisor(str(tmp_path / "none"))


def test_every_image_and_file_of_the_stack_is_packed() -> None:
    services = contents.compose(ROOT)
    assert set(contents.images(services, "1.2")) <= set(MADE)
    assert set(MADE) <= set(contents.images(services, "1.2")), "what nobody uses is not carried around"
    assert {name for name, said in services.items() if said.get("profiles")} == {"galley-buildkit-v2"}
    mounted = contents.mounted(services)
    assert mounted == ["bus/nats.conf", "engine-proxy", "sole-user"]
    assert all((ROOT / "deploy" / name).exists() for name in mounted)
    assert (ROOT / "deploy/.env.airgap.example").read_text().count("\nTAG=\n") == 1


@pytest.mark.parametrize("image", ["postgres:15", "x:${TAGGED}", "registry.test/x:${TAG}"])
def test_an_image_that_nobody_would_find_on_the_host_is_refused(image: str) -> None:
    with pytest.raises(CannotBuild, match=re.escape(f"the image of db must be NAME:${{TAG}}, not {image}")):
        contents.images({"db": {"image": image}}, "1.2")


def test_release_notes_are_the_newest_section() -> None:
    text = contents.release_notes(
        SOURCE, "# Changelog\n\n## 1.2\n\n### Parts\n\n- New.\n\n## 1.1\n\n- Old.\n"
    )
    assert text.startswith("# Release notes: 1.2\n\nCommit c0ffee.")
    assert text.endswith("## 1.2\n\n### Parts\n\n- New.\n")
    with pytest.raises(CannotBuild, match="no release notes"):
        contents.release_notes(SOURCE, "# Changelog\n")
    assert "## " in contents.release_notes(SOURCE, (ROOT / "CHANGELOG.md").read_text())


def test_the_command_finds_files_from_where_it_is_called(tmp_path: Path) -> None:
    scripts = tmp_path / "checkout/scripts"
    scripts.mkdir(parents=True)
    shutil.copy(ROOT / "scripts/build-airgap-bundle.sh", scripts)
    for name, text in (
        ("setup", ""),
        ("as-engine-user", 'echo "$OUT_DIR" "$SIGNING_KEY" "${RUNSC:-none}" "${@:2}"'),
    ):
        (scripts / name).write_text(f"#!/bin/bash\n{text}\n")
        (scripts / name).chmod(0o755)
    done = subprocess.run(
        [str(scripts / "build-airgap-bundle.sh"), "1.2"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "OUT_DIR": "out", "SIGNING_KEY": "/a b", "RUNSC": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[0] == f"{tmp_path}/out /a b none -m scripts.build_airgap_bundle 1.2"
