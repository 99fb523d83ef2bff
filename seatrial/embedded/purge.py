"""Taking everything away again: by asking the platform, and by label for whatever is left."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import aiodocker
import httpx

from seatrial.agent.runtime.base import AGENT
from seatrial.embedded.engine import detect
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.remembered import Remembered

CACHE = "galley.cache"  # images that cost long to make and hold nothing of anybody's
ASK_SECONDS = 30.0


def stop_environments(remembered: Remembered, data: DataDirectory) -> None:
    """Ask the platform to end every environment and wait a while. What it cannot do is done by label later."""
    with contextlib.suppress(httpx.HTTPError, OSError, KeyError, TypeError):
        token = data.token.read_text().strip()
        base = f"{remembered.api_url}/api/v1"
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=base, headers=headers, timeout=10, trust_env=False) as client:
            for environment in client.get("/environments").raise_for_status().json():
                client.post(f"/environments/{environment['id']}/stop")
            deadline = time.monotonic() + ASK_SECONDS
            while _left(client) and time.monotonic() < deadline:
                time.sleep(0.3)


def _left(client: httpx.Client) -> bool:
    """Whether the host still has something of an environment: the status lists it until then."""
    projects = client.get("/status").raise_for_status().json()["projects"]
    return any(project["environments"] for project in projects)


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
    """Remove every container, network, volume and image labelled as this agent's, but caches. Idempotent.

    Raises CannotRun when there may be some and the engine does not answer: the data directory, which holds the
    label, is then kept for another try.
    """
    agent = agent_id(data, remembered)
    if not agent or (remembered and remembered.runtime != "docker"):
        return
    engine = await asyncio.to_thread(detect.ask, environ)
    if not engine.answers:
        raise CannotRun(
            f"previews may be left on the engine: {engine.problem}.",
            fix="Start the engine, then again: seatrial down --purge",
        )
    async with aiodocker.Docker(url=engine.address) as docker:
        await _remove_all(docker, agent)


async def purge_processes(data: DataDirectory) -> None:
    """End what the process runtime keeps running; its folders go with the data directory."""
    folder = data.agent / "process"  # as the agent has it
    if folder.is_dir():
        from seatrial.agent.runtime.process import ProcessRuntime  # costly, and rarely needed

        runtime = ProcessRuntime(folder)
        for service in await runtime.list_containers({}):
            await runtime.remove(service.name)


async def _remove_all(docker: aiodocker.Docker, agent: str) -> None:
    query = {"filters": json.dumps({"label": [f"{AGENT}={agent}"]})}

    async def listed(path: str, key: str | None = None, **more: str) -> list[dict[str, object]]:
        answer = await docker._query_json(path, params={**query, **more})
        return list((answer[key] if key else answer) or [])

    async def remove(path: str, **params: str) -> None:
        with contextlib.suppress(aiodocker.DockerError):
            async with docker._query(path, method="DELETE", params=params):
                pass

    containers = await listed("containers/json", all="1")
    await asyncio.gather(*(remove(f"containers/{one['Id']}", force="1", v="1") for one in containers))
    for one in await listed("networks"):
        await remove(f"networks/{one['Id']}")
    for one in await listed("volumes", "Volumes"):
        await remove(f"volumes/{one['Name']}", force="1")
    for one in await listed("images/json", all="0"):
        labels = one.get("Labels")
        if not (isinstance(labels, dict) and labels.get(CACHE) == "true"):
            await remove(f"images/{one['Id']}", force="1")


def remove_tree(data: DataDirectory) -> None:
    """Remove what is ours of the data directory, and itself when nothing else is in it.

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
        # Layers belong to subordinate ids of ours; only inside our user namespace may we remove them.
        subprocess.run(["buildah", "unshare", "rm", "-rf", *map(str, left)], capture_output=True, check=False)
        left = [path for path in left if path.exists()]
    if left:
        raise CannotRun(
            f"{left[0]} could not be removed completely.", fix=f"Remove it yourself: sudo rm -rf {data.root}"
        )
    with contextlib.suppress(OSError):  # somebody else's file in it: theirs to keep
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
