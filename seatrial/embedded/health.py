"""Which processes of a running platform do their work: one that is alive may be stopped, or hang."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from seatrial.embedded.components import bus, control, ingress
from seatrial.embedded.components.base import Ready
from seatrial.embedded.components.postgres import from_wheel
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import Record, Records
from seatrial.embedded.remembered import Remembered

ANSWER_SECONDS = 5.0


@dataclass(frozen=True)
class Health:
    """One recorded process. `problem` is empty when nothing is wrong; `fix` names what mends it."""

    name: str
    pid: int
    problem: str = ""
    fix: str = ""


def of_platform(data: DataDirectory, remembered: Remembered) -> list[Health]:
    """Every recorded process, as it is now. Asks those that can be asked, side by side; takes ANSWER_SECONDS at most."""
    return asyncio.run(_all(data, _questions(data, remembered)))


def _questions(data: DataDirectory, remembered: Remembered) -> dict[str, Ready]:
    return {
        "bus": bus.ready(remembered.nats_port),
        "traefik": ingress.ready(remembered.traefik_port),
        "postgres": from_wheel(data.postgres).component().ready,
        "web": control.ready(remembered.port),
    }


async def _all(data: DataDirectory, questions: Mapping[str, Ready]) -> list[Health]:
    records = Records(data.run).all()
    return list(await asyncio.gather(*(_one(data, record, questions.get(record.name)) for record in records)))


async def _one(data: DataDirectory, record: Record, question: Ready | None) -> Health:
    log = data.logs / f"{record.name}.log"
    process = record.find()
    if process is None:
        return Health(record.name, record.pid, "is down", f"The supervisor starts it again. See {log}")
    if is_stopped(process):
        return Health(
            record.name, record.pid, "is stopped by a signal", f"Let it go on: kill -CONT {record.pid}"
        )
    silent = await _silent(question) if question else ""
    if silent:
        fix = f"See {log}. To have it started anew: kill -9 {record.pid}"
        return Health(record.name, record.pid, f"does not answer: {silent}", fix)
    return Health(record.name, record.pid)


def is_stopped(process: psutil.Process) -> bool:
    """Whether a signal keeps it from going on."""
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.Error:
        return False


async def _silent(question: Ready) -> str:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await question() or ""
    except TimeoutError:
        return f"nothing came within {ANSWER_SECONDS:.0f} s"
