"""Removes everything: objects on the engine by label, then the data directory, which holds the label."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import aiodocker

from seatrial.embedded.engine import detect
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.labelled import Labelled
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.remembered import Remembered
from seatrial.embedded.typed import typed


def agent_id(data: DataDirectory, remembered: Remembered | None) -> str:
    """The id that labels everything we made: remembered, or from the agent's own credential."""
    if remembered and remembered.agent:
        return remembered.agent
    try:
        return str(json.loads((data.agent / "identity" / "credential.json").read_text())["agent"])
    except (OSError, ValueError, KeyError):
        return ""


async def purge_engine(
    data: DataDirectory, remembered: Remembered | None, environ: Mapping[str, str]
) -> None:
    """Remove every container, network, volume and image labelled as this agent's, except caches. Idempotent.

    Raises CannotRun if some are left, or if there may be some but the engine does not answer; then the data directory,
    which holds the label, is kept for another try.
    """
    agent = agent_id(data, remembered)
    if not agent:
        return
    used = remembered.engine if remembered else ""
    engine = await asyncio.to_thread(detect.ask, {"DOCKER_HOST": used} if used else environ)
    if engine.answers:
        async with aiodocker.Docker(url=engine.address) as docker:
            await Labelled(docker, agent).remove()
    elif used or not remembered:
        again = typed("down", "--purge")
        raise CannotRun(
            f"previews may be left on the engine: {engine.problem}.",
            fix=detect.join_group(again) if engine.forbidden else f"Start the engine, then again: {again}",
        )


async def purge_processes(data: DataDirectory) -> None:
    """End what the process runtime keeps running; its folders go with the data directory."""
    folder = data.agent / "process"  # the agent's folder for it
    if folder.is_dir():
        from seatrial.agent.runtime.process import ProcessRuntime  # a slow import that is rarely needed

        runtime = ProcessRuntime(folder)
        for service in await runtime.list_containers({}):
            await runtime.remove(service.name)


def remove_tree(data: DataDirectory) -> None:
    """Remove our files from the data directory, and the directory itself if nothing else is in it.

    Raises CannotRun, naming what stays.
    """
    _unmount_below(data.root)
    for path in data.ours():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    left = [path for path in data.ours() if path.exists()]
    if left and os.geteuid() != 0 and shutil.which("buildah"):
        # Layers belong to our subordinate ids; we can only remove them inside our user namespace.
        subprocess.run(["buildah", "unshare", "rm", "-rf", *map(str, left)], capture_output=True, check=False)
        left = [path for path in left if path.exists()]
    if left:
        raise CannotRun(
            f"{left[0]} could not be removed completely.", fix=f"Remove it yourself: sudo rm -rf {data.root}"
        )
    with contextlib.suppress(OSError):  # the directory holds a file that is not ours, which stays
        data.root.rmdir()


def _unmount_below(root: Path) -> None:
    with contextlib.suppress(OSError):
        table = Path("/proc/self/mounts").read_text(errors="surrogateescape")
        points = [_unescaped(line.split(" ")[1]) for line in table.splitlines()]
        for point in sorted((p for p in points if Path(p).is_relative_to(root)), reverse=True):
            subprocess.run(["umount", "-l", point], capture_output=True, check=False)


def _unescaped(field: str) -> str:
    """A path of the kernel's mount table, where a space is written as \\040."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
