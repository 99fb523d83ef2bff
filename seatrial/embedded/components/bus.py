"""The bus: a NATS server with JetStream, its keys made once by the control plane's own code."""

import os
from pathlib import Path

from seatrial.control.fleet import bus_identity
from seatrial.control.fleet.errors import IdentityBroken
from seatrial.embedded.components.base import Component, Ready, greets
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import ChildProgram

CONFIGURATION = """\
# Written at every start. Keys and permissions: keys/nats-auth.conf.
server_name: seatrial
listen: 127.0.0.1:{port}
max_payload: 1MB
jetstream {{ store_dir: "{store}", max_mem: 64MB, max_file: 4GB, sync_interval: "2m" }}
include "keys/nats-auth.conf"
"""


def identity(data: DataDirectory) -> None:
    """The bus's keys, made at the first start. Raises CannotRun when some of them were lost."""
    try:
        bus_identity.ensure(data.keys)
    except IdentityBroken as error:
        raise CannotRun("the keys of the bus do not belong together.", fix=str(error)) from error


def component(data: DataDirectory, port: int, binaries: Path) -> Component:
    """The server process; writes its configuration first."""
    configuration = data.bus_configuration
    configuration.write_text(CONFIGURATION.format(port=port, store=data.nats))
    configuration.chmod(0o600)

    return Component(
        program=ChildProgram(
            name="bus",
            arguments=[str(binaries / "nats-server"), "-c", str(configuration)],
            environment={"PATH": os.defpath, "HOME": str(data.nats)},
        ),
        ready=ready(port),
        what="NATS",
    )


def ready(port: int) -> Ready:
    """Whether a server greets on the port."""

    async def greeted() -> str | None:
        return await greets(port, b"INFO ")

    return greeted
