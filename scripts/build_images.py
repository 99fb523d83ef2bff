"""Builds the images of this commit, rootless, and puts them on the engine: `scripts/build-images TAG`.

    galley-server:TAG  galley-agent:TAG  gitgrit-sandbox:TAG

The same commit and the same base image give the same bytes: what is built is what is committed, Python packages are those of
the lock file, every file has the commit's time, and no layer of an earlier build is used. Uncommitted changes are
refused; ALLOW_DIRTY=1 builds them, too, and the tag then ends in -dirty.

Programs of others that the platform needs (PostgreSQL, NATS, Traefik, HAProxy) are pulled. Where no registry answers,
stand-ins take their place, made from the distribution's packages and Python wheels; --env FILE writes their names, as
lines for the .env file beside compose.yaml. With --browser, there is also galley-browser:TAG, and its name in FILE: docs/evidence.md. --air-gapped names them all gitgrit-...:TAG, as docker-compose.full.yaml does.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.images import context
from scripts.images.alone import alone
from scripts.images.context import Source
from scripts.images.making import Maker
from scripts.images.stamps import verify
from seatrial.agent.builds.standins import BROWSER
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import AgentError

CACHE = Path("~/.cache/seatrial/images")
ENGINE = "unix:///var/run/docker.sock"


def main() -> None:
    """Build and verify; exit code 1 with one sentence where that cannot be."""
    arguments = parsed()
    data = arguments.data.expanduser()
    try:
        source = context.of_commit(arguments.tag, dirty_too=os.environ.get("ALLOW_DIRTY") == "1")
        with alone(data), tempfile.TemporaryDirectory(prefix="context-", dir=data) as folder:
            context.make(source, Path(folder), data / "wheels")
            made, lines = asyncio.run(
                build(
                    source,
                    Path(folder),
                    data,
                    only=arguments.only,
                    air_gapped=arguments.air_gapped,
                    browser=arguments.browser,
                )
            )
    except (AgentError, context.CannotBuild) as error:
        sys.exit(f"scripts/build-images: {error}")
    print("\n".join(made))
    if arguments.env:
        arguments.env.write_text("\n".join(lines) + "\n")


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/build-images", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tag", metavar="TAG", help="the images' tag, such as 1.2")
    parser.add_argument(
        "--data", type=Path, default=CACHE, help=f"where layers and packages are kept (default: {CACHE})"
    )
    parser.add_argument("--env", type=Path, help="write TAG and the names of stand-ins into this file")
    parser.add_argument(
        "--air-gapped",
        action="store_true",
        help="name the programs of others as docker-compose.full.yaml does",
    )
    parser.add_argument(
        "--browser", action="store_true", help=f"also make {BROWSER}, which takes screenshots of previews"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="IMAGE", help="build this image alone; repeatable"
    )
    return parser.parse_args()


async def build(
    source: Source,
    folder: Path,
    data: Path,
    *,
    only: Sequence[str] = (),
    air_gapped: bool = False,
    browser: bool = False,
) -> tuple[list[str], list[str]]:
    """Have the images on the engine; returns their names, and lines for .env."""
    engine = Engine(os.environ.get("DOCKER_HOST") or ENGINE)
    try:
        maker = Maker(engine, data, source, folder, say)
        made = await maker.ours(only)
        await verify(engine, made, source)
        looks = [await named(await maker.browser(), f"{BROWSER}:{source.tag}")] if browser else []
        made += looks
        if only:
            return made, [f"TAG={source.tag}"]
        others = await maker.of_others()
        if air_gapped:
            made += [
                await named(name, f"gitgrit-{other.name}:{source.tag}") for other, name in others.items()
            ]
        return made, [
            f"TAG={source.tag}",
            *(f"GALLEY_BROWSER_IMAGE={name}" for name in looks),
            *(f"{other.variable}={name}" for other, name in others.items() if name != other.image),
        ]
    finally:
        await engine.close()


async def named(image: str, name: str) -> str:
    """Give an image one more name."""
    await asyncio.to_thread(subprocess.run, ["docker", "tag", image, name], check=True)
    return name


async def say(line: str) -> None:
    """One line of a build."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
