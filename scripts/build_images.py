"""Builds the images of this commit, rootless, and puts them on the engine: `scripts/build-images TAG`.

    galley-server:TAG  galley-agent:TAG  gitgrit-sandbox:TAG

The same commit and the same base image give the same bytes: what is built is what is committed, Python packages are those of
the lock file, every file has the commit's time, and no layer of an earlier build is used. Uncommitted changes are
refused; ALLOW_DIRTY=1 builds them, too, and the tag then ends in -dirty.

Programs of others that the platform needs (PostgreSQL, NATS, Traefik, HAProxy) are pulled. Where no registry answers,
stand-ins take their place, made from the distribution's packages and Python wheels; --env FILE writes their names, as
lines for the .env file beside compose.yaml.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.images import context
from scripts.images.context import Source
from scripts.images.making import Maker
from scripts.images.stamps import verify
from seatrial.agent.engine import Engine
from seatrial.agent.vocabulary.errors import AgentError

CACHE = Path("~/.cache/seatrial/images")
ENGINE = "unix:///var/run/docker.sock"


def main() -> None:
    """Build and verify; exit code 1 with one sentence where that cannot be."""
    arguments = parsed()
    try:
        source = context.of_commit(arguments.tag, dirty_too=os.environ.get("ALLOW_DIRTY") == "1")
        asyncio.run(build(source, arguments.data.expanduser(), arguments.env, arguments.only))
    except (AgentError, context.CannotBuild) as error:
        sys.exit(f"scripts/build-images: {error}")


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
        "--only", action="append", default=[], metavar="IMAGE", help="build this image alone; repeatable"
    )
    return parser.parse_args()


async def build(source: Source, data: Path, env: Path | None, only: Sequence[str]) -> None:
    """The images, the programs of others, and what they are called."""
    engine = Engine(os.environ.get("DOCKER_HOST") or ENGINE)
    data.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="context-", dir=data))
    try:
        await asyncio.to_thread(context.make, source, folder, data / "wheels")
        maker = Maker(engine, data, source, folder, say)
        made = await maker.ours(only)
        await verify(engine, made, source)
        lines = [f"TAG={source.tag}", *([] if only else await maker.of_others())]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        await engine.close()
    for name in made:
        print(name)
    if env:
        env.write_text("\n".join(lines) + "\n")


async def say(line: str) -> None:
    """One line of a build."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
