"""What `verify-bundle` says on the host that the bundle was carried to, with the shell of that host."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from scripts.bundle import packing

VERIFIER = Path(__file__).parents[2] / "scripts/bundle/verify-bundle"
KEY = Ed25519PrivateKey.generate()


def unpacked(folder: Path, key: Ed25519PrivateKey | None = KEY) -> Path:
    """A bundle as it was unpacked, and the public key beside it."""
    (folder / "docs").mkdir(parents=True)
    shutil.copy(VERIFIER, folder)
    for name in (".env.example", "docs/a page.md", "gitgrit-bundle-1.2.tar"):
        (folder / name).write_text(name * 100)
    packing.sum_up(folder, key)
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder.parent / "signing.pub").write_bytes(public)
    return folder


def verify(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it from beside the folder."""
    return subprocess.run(
        [str(folder / "verify-bundle"), *arguments],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_whole_passes_and_what_was_added_is_named(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "bundle")
    (folder / ".env").touch()
    (folder / "docs/new").symlink_to("nowhere")
    done = verify(folder, "--key", "signing.pub")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == [
        "Not of the bundle, so not checked: .env",
        "Not of the bundle, so not checked: docs/new",
        "The bundle is whole, and its signature is right.",
    ]
    assert "Its signature was not checked" in verify(folder).stdout
    assert verify(folder, f"--key={tmp_path}/signing.pub").returncode == 0
    assert "It is not signed." in verify(unpacked(tmp_path / "unsigned", None)).stdout


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def swap(path: Path) -> None:
    path.write_bytes(b"X" + path.read_bytes()[1:])


def link(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def last_lines_lost(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))


def leads_elsewhere(path: Path) -> None:
    path.write_text(path.read_text().replace("  .env.example", "  ../bundle/.env.example"))


TAR, SUMS = "gitgrit-bundle-1.2.tar", "SHA256SUMS"


@pytest.mark.parametrize(
    ("name", "harm", "said"),
    [
        (TAR, cut, f"{TAR} is truncated or was changed."),
        (TAR, swap, f"{TAR} is truncated or was changed."),
        (TAR, Path.unlink, f"{TAR} is missing."),
        (TAR, link, f"{TAR} is not the file that was packed."),
        ("docs/a page.md", swap, "docs/a page.md is truncated or was changed."),
        ("docs/a page.md", Path.unlink, "docs/a page.md is missing."),
        (SUMS, Path.unlink, "SHA256SUMS is missing or empty."),
        (SUMS, lambda path: path.write_text(""), "SHA256SUMS is missing or empty."),
        (SUMS, cut, "SHA256SUMS is truncated or was changed."),
        (SUMS, last_lines_lost, "SHA256SUMS is truncated or was changed."),
        (SUMS, leads_elsewhere, "SHA256SUMS is truncated or was changed."),
    ],
)
def test_what_was_harmed_on_the_way_is_named_in_one_sentence(
    tmp_path: Path, name: str, harm: Callable[[Path], object], said: str
) -> None:
    folder = unpacked(tmp_path / "bundle", None)
    harm(folder / name)
    done = verify(folder)
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == f"verify-bundle: {said} Unpack the archive anew; if that does not help, carry it here again\n"
    )


def no_signature(folder: Path) -> None:
    (folder / "SHA256SUMS.sig").unlink()


def another_key(folder: Path) -> None:
    (folder / "SHA256SUMS.sig").write_bytes(Ed25519PrivateKey.generate().sign((folder / SUMS).read_bytes()))


def sums_made_anew(folder: Path) -> None:
    swap(folder / TAR)
    signature = (folder / "SHA256SUMS.sig").read_bytes()
    (folder / "SHA256SUMS.sig").unlink()
    (folder / SUMS).unlink()
    packing.sum_up(folder, None)
    (folder / "SHA256SUMS.sig").write_bytes(signature)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (no_signature, "the bundle is not signed, but a key was given"),
        (another_key, "the signature of SHA256SUMS is wrong"),
        (sums_made_anew, "the signature of SHA256SUMS is wrong"),
        (lambda folder: cut(folder / "SHA256SUMS.sig"), "the signature of SHA256SUMS is wrong"),
        (lambda folder: cut(folder / SUMS), "the signature of SHA256SUMS is wrong"),
        (lambda folder: swap(folder / TAR), f"{TAR} is truncated or was changed"),
        (lambda folder: swap(folder.parent / "signing.pub"), "signing.pub is not a public key in PEM"),
        (lambda folder: (folder.parent / "signing.pub").unlink(), "signing.pub cannot be read"),
    ],
)
def test_a_bundle_that_is_not_of_the_one_with_the_key_is_refused_in_one_sentence(
    tmp_path: Path, harm: Callable[[Path], object], said: str
) -> None:
    folder = unpacked(tmp_path / "bundle")
    harm(folder)
    done = verify(folder, "--key", "signing.pub")
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--key"], "--key needs a file"),
        (["--key", ""], "--key needs a file"),
        (["--key="], "--key needs a file"),
        (["--force"], "--force is no option"),
    ],
)
def test_what_it_is_not_asked_for_is_one_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = verify(unpacked(tmp_path / "bundle"), *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "--key signing.pub" in verify(tmp_path / "bundle", "--help").stdout


@pytest.mark.parametrize("tools", [[], ["openssl"]])
def test_a_host_that_cannot_check_a_signature_says_so(tmp_path: Path, tools: list[str]) -> None:
    folder = unpacked(tmp_path / "bundle")
    (programs := tmp_path / "bin").mkdir()
    for name in ("sh", "dirname", "sha256sum", "find"):
        (programs / name).symlink_to(str(shutil.which(name)))
    for name in tools:
        (programs / name).write_text("#!/bin/sh\necho OpenSSL 1.1.1k FIPS\n")
        (programs / name).chmod(0o755)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(folder / "verify-bundle"), *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env={"PATH": str(programs)}, capture_output=True, text=True, check=False
        )

    assert run().returncode == 0, "without a key, openssl is not needed"
    done = run("--key", "signing.pub")
    assert done.returncode == 1
    assert ("OpenSSL 3 is needed" if tools else "openssl is not installed") in done.stderr
