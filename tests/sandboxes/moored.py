"""gVisor on a network where the engine cannot give it one: on some kernels, releases of gVisor have a network only with
`--network=host`, which the engine's registration of runsc need not have.

The engine makes the container as ever, on its network, with its address on the wires; in its place, gVisor runs the sandbox.
"""

import asyncio
import contextlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from seatrial.agent.engine.attached import Said
from seatrial.agent.engine.sealed import RIGHTS, SealedSpec
from seatrial.agent.sandboxes.berths import Berth
from seatrial.agent.sandboxes.containers import ContainerSandboxes

HOLD = ["python3", "-c", "import time; time.sleep(600)"]  # the image has no other program
RUNSC = ["runsc", "--platform=ptrace", "--network=host"]


class InPlace:
    """runsc's standard streams, as those of a container."""

    def __init__(self, process: asyncio.subprocess.Process, state: Path, name: str) -> None:
        self._process, self._state, self._name = process, state, name

    async def read(self) -> Said | None:
        data = await self._process.stdout.read(1 << 16)
        if data:
            return Said(data, error=False)
        errors = await self._process.stderr.read(1 << 16)
        return Said(errors, error=True) if errors else None

    async def write(self, data: bytes) -> None:
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def close(self) -> None:
        self._process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        command = [*RUNSC, f"--root={self._state}", "delete", "--force", self._name]
        ending = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        await ending.wait()
        shutil.rmtree(self._state, ignore_errors=True)


class Moored(ContainerSandboxes):
    """Sandboxes under gVisor in the network of a container that only holds their place."""

    folder: Path

    def _spec(self, children: int, name: str, berth: Berth | None) -> SealedSpec:
        spec = super()._spec(children, name, berth)
        self.asked = spec.command
        return replace(spec, gvisor=False, entrypoint=HOLD, command=[])

    async def _begun(self, name: str) -> Any:
        holder = await super()._begun(name)
        shown = await (await self._engine._connection.api.containers.get(name)).show()
        await holder.close()
        state = self.folder / name
        state.mkdir(parents=True)
        (state / "config.json").write_text(json.dumps(self._bundle(shown)))
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        command = [*RUNSC, f"--root={state}", "run", f"--bundle={state}", name]
        return InPlace(await asyncio.create_subprocess_exec(*command, **pipes), state, name)

    def _bundle(self, shown: dict[str, Any]) -> dict[str, Any]:
        """What the engine would have told runsc."""
        rights = [f"CAP_{right}" for right in (*RIGHTS, "SYS_ADMIN")]
        return {
            "ociVersion": "1.0.0",
            "process": {
                "user": {"uid": 0, "gid": 0},
                "args": ["python3", "-B", "-s", "-m", "seatrial.sandbox", *self.asked],
                "env": shown["Config"]["Env"],
                "cwd": "/sandbox",
                "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), rights),
                "noNewPrivileges": True,
            },
            "root": {"path": shown["GraphDriver"]["Data"]["MergedDir"], "readonly": True},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777", "size=64m"]},
                {
                    "destination": "/etc/resolv.conf", "type": "bind", "source": shown["ResolvConfPath"],
                    "options": ["rbind", "ro"],
                },
            ],
            "linux": {
                "namespaces": [
                    {"type": "network", "path": f"/proc/{shown['State']['Pid']}/ns/net"},
                    *({"type": kind} for kind in ("pid", "ipc", "uts", "mount")),
                ]
            },
        }  # fmt: skip
