"""Packs a release of this commit for a network without internet: `scripts/build-airgap-bundle.sh [TAG]`.

TAG is today's date unless given. In OUT_DIR (default: dist) there is then gitgrit-install-TAG.tgz, and its checksum. It unpacks into one
folder, with gitgrit-bundle-TAG.tar for `docker load` (every image of docker-compose.full.yaml), that file and what it mounts, .env.example,
the documentation, release notes, a bill of materials (bom.json, CycloneDX), gVisor, SHA256SUMS, and verify-bundle, which checks them.

The same commit, images of others and runsc give the same bytes. Uncommitted changes are refused; ALLOW_DIRTY=1 packs them, too, and
the tag then ends in -dirty. SIGNING_KEY=FILE signs (a private Ed25519 key in PEM). RUNSC=FILE packs that runsc, not the one of this host.
"""

import argparse
import asyncio
import datetime
import errno
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scripts.build_images import CACHE, build
from scripts.bundle import archive, bill, contents, inside, packing
from scripts.images import context
from scripts.images.alone import alone
from scripts.images.context import CannotBuild, Source
from scripts.images.making import OTHERS
from seatrial.agent.vocabulary.errors import AgentError

MEGA = 10**6


def main() -> None:
    """Build and pack; exit code 1 with one sentence where that cannot be."""
    tag, out = parsed(), Path(os.environ.get("OUT_DIR") or "dist").resolve()
    try:
        source = context.of_commit(
            tag, dirty_too=os.environ.get("ALLOW_DIRTY") == "1", needed=contents.BUNDLED
        )
        key = packing.signing_key(os.environ.get("SIGNING_KEY", ""))
        programs = contents.gvisor(os.environ.get("RUNSC", ""))
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".bundle-", dir=out) as scratch:
            made, stand_ins = bundle(source, Path(scratch), key, programs)
            target = out / f"{made.name}.tgz"
            say(f"Packing {target.name}")
            packing.pack(made, target, source.seconds)
            say(summary(made, target, programs, stand_ins))
    except (AgentError, CannotBuild) as error:
        sys.exit(f"scripts/build-airgap-bundle.sh: {error}")
    except OSError as error:
        if error.errno not in {
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EACCES,
            errno.EROFS,
            errno.ENOTDIR,
            errno.EEXIST,
        }:
            raise
        sys.exit(
            f"scripts/build-airgap-bundle.sh: {error.filename or out}: {error.strerror}. Packing needs room for three times "
            "the images; OUT_DIR=FOLDER packs elsewhere"
        )


def parsed() -> str:
    """The tag."""
    parser = argparse.ArgumentParser(
        prog="scripts/build-airgap-bundle.sh",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    today = datetime.date.today().isoformat()
    parser.add_argument(
        "tag", metavar="TAG", nargs="?", default=today, help="such as 1.2 (default: today's date)"
    )
    return str(parser.parse_args().tag)


def bundle(
    source: Source, scratch: Path, key: Ed25519PrivateKey | None, programs: Mapping[str, Path]
) -> tuple[Path, list[str]]:
    """The folder that is packed, with everything in it; and the images of others that stand-ins are packed for."""
    say(f"Building the images {source.tag} of commit {source.commit[:12]}")
    data = CACHE.expanduser()
    (built := scratch / "images").mkdir()
    with alone(data):
        context.make(source, built, data / "wheels")
        made, settings = asyncio.run(build(source, built, data, air_gapped=True))
    (folder := scratch / f"gitgrit-install-{source.tag}").mkdir()
    context.lay_out(source, tree := scratch / "tree", contents.BUNDLED)
    contents.lay_out(source, tree, folder)
    names = contents.images(contents.compose(tree), source.tag)
    if missing := set(names) - set(made):
        raise CannotBuild(
            f"{contents.COMPOSE} names images that are not built here: {', '.join(sorted(missing))}"
        )
    say(f"Saving {len(names)} images")
    archive.save(names, saved := scratch / "saved.tar")
    images = archive.normalise(saved, loadable := folder / f"gitgrit-bundle-{source.tag}.tar", source.seconds)
    saved.unlink()
    put = contents.put(programs, folder)
    say("Writing the bill of materials and the checksums")
    hashes = bill.locked((tree / context.LOCK).read_text(), built / "wheels")
    known = bill.versions(hashes, built / "programs") | bill.versions_of_tools(built / "wheels")
    document = bill.written(source, inside.read(loadable, images), hashes, known, put)
    (folder / "bom.json").write_text(json.dumps(document, indent=1) + "\n")
    packing.sum_up(folder, key)
    return folder, [
        other.image for other in OTHERS if any(line.startswith(other.variable) for line in settings)
    ]


def summary(made: Path, target: Path, programs: Mapping[str, Path], stand_ins: list[str]) -> str:
    """What was packed, and what to type next."""
    tag = made.name.removeprefix("gitgrit-install-")
    images = made / f"gitgrit-bundle-{tag}.tar"
    signed = (made / packing.SIGNATURE).exists()
    gvisor = ", ".join(programs) or "none: there is no runsc on this host. RUNSC=/path/of/runsc packs one"
    if programs and contents.SHIM not in programs:
        gvisor += f" (no {contents.SHIM} lies beside it; Docker does not need it)"
    instead = ", ".join(stand_ins)
    if instead:
        instead = f"in place of {instead}, which no registry here has; made from the distribution's packages"
    lines = [
        "",
        f"{target} ({size(target)}), and beside it {target.name}.sha256",
        f"  images:    {images.name} ({size(images)})",
        f"  stand-ins: {instead or 'none'}",
        f"  gVisor:    {gvisor}",
        f"  signature: {'SHA256SUMS.sig' if signed else 'none. SIGNING_KEY=FILE signs'}",
        "",
        "Carry both files to the host, and there:",
        f"  sha256sum -c {target.name}.sha256",
        f"  tar xzf {target.name}",
        f"  cd {made.name}",
        f"  ./verify-bundle{' --key YOUR-PUBLIC-KEY' if signed else ''}",
        f"  docker load -i {images.name}",
        "and go on with docs/install/airgapped.md: Install, or Upgrade.",
    ]
    return "\n".join(lines)


def size(path: Path) -> str:
    """How large a file is."""
    return f"{path.stat().st_size / MEGA:,.0f} MB"


def say(line: str) -> None:
    """One line of progress."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
