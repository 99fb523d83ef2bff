"""A process that is alive and does no work is found, and the advice about it leads somewhere."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from seatrial.embedded import health
from seatrial.embedded.components import bus
from seatrial.embedded.health import Health
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import Records
from seatrial.embedded.remembered import Remembered
from seatrial.embedded.supervisor import Supervisor
from tests.bus.servers import free_port
from tests.waiting import until

BINARIES = Path(sys.executable).parent


async def health_of_bus(data: DataDirectory, port: int) -> Health:
    remembered = Remembered(port=1, ingress_port=2, nats_port=port, traefik_port=3)
    found = await asyncio.to_thread(health.of_platform, data, remembered)
    return next(one for one in found if one.name == "bus")


@pytest.mark.nats
async def test_a_bus_that_is_stopped_is_ill_until_one_does_what_is_advised(
    data: DataDirectory, supervisor: Supervisor
) -> None:
    bus.identity(data)
    port = free_port()
    await supervisor.start(bus.component(data, port, BINARIES))
    well = await health_of_bus(data, port)
    assert well.problem == ""
    os.kill(well.pid, signal.SIGSTOP)
    await until(lambda: psutil.Process(well.pid).status() == psutil.STATUS_STOPPED)
    ill = await health_of_bus(data, port)
    assert "stopped" in ill.problem
    advised = await asyncio.create_subprocess_shell(ill.fix.split(": ")[1])
    assert await advised.wait() == 0

    async def is_well() -> bool:
        return (await health_of_bus(data, port)).problem == ""

    await until(is_well)


async def test_a_process_that_takes_connections_and_says_nothing_is_ill(data: DataDirectory) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        Records(data.run).write("bus", os.getpid())
        port = silent.getsockname()[1]
        ill = await health_of_bus(data, port)
    assert ill.problem == f"does not answer: port {port} is silent"
    assert ill.fix.endswith(f"kill -9 {os.getpid()}") and "bus.log" in ill.fix
