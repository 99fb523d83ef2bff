"""`galley-agent`: reads its settings, joins the fleet, and runs until it is told to stop."""

import argparse
import asyncio
import fcntl
import logging
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn, TextIO, cast

from seatrial import __version__
from seatrial.lasting import lasting, without

with lasting(), without("rich", "pygments"):  # structlog and httpx would take them along, for colours
    import structlog
    from pydantic import ValidationError

    from seatrial.agent.bus.registration import RegistrationRefused
    from seatrial.agent.program import AgentProgram
    from seatrial.agent.settings import Settings
    from seatrial.environ.reading import stray
    from seatrial.environ.sentences import problems
    from seatrial.wire.visible import visible_values

EXIT_UNUSABLE = 2


def main() -> None:
    """Exit code 0 after SIGTERM or Ctrl-C, 2 when settings, token or data directory make running impossible."""
    _arguments()
    _log_to(sys.stderr)
    try:
        settings = Settings()
        for sentence in stray(Settings):
            print(f"galley-agent: {sentence}", file=sys.stderr)  # noqa: T201
        lock = _lock(settings.galley_data_dir)
    except ValidationError as error:
        for problem in problems(Settings, error):
            print(f"galley-agent: {problem}", file=sys.stderr)  # noqa: T201
        sys.exit(EXIT_UNUSABLE)
    except OSError as error:
        _give_up(f"the data directory cannot be used: {error}. Set GALLEY_DATA_DIR to one that can")
    try:
        asyncio.run(_run(settings))
    except RegistrationRefused as error:
        _give_up(str(error))
    finally:
        lock.close()


async def _run(settings: Settings) -> None:
    """Run the program until a signal asks it to stop; containers keep running."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    program = asyncio.create_task(AgentProgram(settings).run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({program, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not program.done():
        program.cancel()
        await asyncio.gather(program, return_exceptions=True)
        return
    program.result()


def _arguments() -> None:
    lines = [
        f"  {name.upper()}\n      {field.description} Default: {_default(field.default)}."
        for name, field in Settings.model_fields.items()
    ]
    parser = argparse.ArgumentParser(
        prog="galley-agent",
        description="The program on every Docker host: builds, starts and checks previews, and evaluates policies.",
        epilog="settings, read from the environment:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"galley-agent {__version__}")
    parser.parse_args()


def _default(value: object) -> str:
    text = str(value)
    return text if text and "**" not in text else "none"


def _log_to(stream: TextIO) -> None:
    logging.basicConfig(stream=stream, level=logging.WARNING, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            visible_values,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
            if not stream.isatty()
            else structlog.dev.ConsoleRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )


def _lock(directory: Path) -> TextIO:
    """Lock the data directory for this agent: two agents on it would undo each other's work."""
    directory.mkdir(parents=True, exist_ok=True)
    file = cast("TextIO", (directory / "agent.lock").open("a+"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        _give_up(f"another agent (process {file.read().strip() or 'unknown'}) already uses {directory}")
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _give_up(message: str) -> NoReturn:
    print(f"galley-agent: {message}", file=sys.stderr)  # noqa: T201
    sys.exit(EXIT_UNUSABLE)


if __name__ == "__main__":
    main()
