"""Whether an image is what it says it is."""

import subprocess
from collections.abc import Sequence

from scripts.images.context import CannotBuild, Source
from seatrial.agent.engine import Engine

REVISION = "org.opencontainers.image.revision"


async def verify(engine: Engine, names: Sequence[str], source: Source) -> None:
    """Raises CannotBuild unless label, environment and /etc/seatrial-release of every image carry the stamp of `source`."""
    wanted = source.arguments
    for name in names:
        image = await engine.images.get(name)
        if image is None:
            raise CannotBuild(f"{name} is not on the engine after it was built. Build again")
        environment = dict(one.partition("=")[::2] for one in image.config.get("Env") or [])
        said = {
            "its label": image.labels.get(REVISION, ""),
            "GIT_SHA": environment.get("GIT_SHA", ""),
            "/etc/seatrial-release": released(name).get("GIT_SHA", ""),
        }
        for where, commit in said.items():
            if commit != wanted["GIT_SHA"]:
                raise CannotBuild(
                    f"{name}: {where} says {commit or 'nothing'}, not {wanted['GIT_SHA']}. Build again"
                )
        if environment.get("TAG") != source.tag:
            raise CannotBuild(f"{name}: TAG says {environment.get('TAG')}, not {source.tag}. Build again")


def released(name: str) -> dict[str, str]:
    """The lines of /etc/seatrial-release in an image."""
    command = [
        "docker",
        "run",
        "--rm",
        "--network",
        "none",
        "--entrypoint",
        "python3",  # the sandbox's image has no other program
        name,
        "-c",
        "print(open('/etc/seatrial-release').read())",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return dict(line.partition("=")[::2] for line in done.stdout.splitlines())
