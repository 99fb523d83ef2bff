"""A real nats-server with our own identity, that can be killed and started again on the same port."""

import os
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import ClassVar

from seatrial.control.fleet.bus_identity import BusIdentity, ensure
from seatrial.ports import find_free

START_SECONDS = 60
_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on, never the same twice."""
    port = next(port for port in iter(find_free, None) if port not in _given)
    _given.add(port)
    return port


class NatsServer:
    context: ssl.SSLContext | None = None  # that its clients need
    settings: ClassVar[dict[str, str]] = {}  # of a control plane that uses it

    def __init__(self, program: str, directory: Path, ports: tuple[int, int] | None = None) -> None:
        self.program = program
        self.directory = directory
        self.identity: BusIdentity = ensure(directory / "keys")
        self.port, self.monitor_port = ports or (free_port(), free_port())
        self.process: subprocess.Popen[bytes] | None = None
        self.config = directory / "nats.conf"
        self.config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'http: "127.0.0.1:{self.monitor_port}"\n'
            f'jetstream {{ store_dir: "{directory}/js", max_file: 2G }}\n'
            f'include "{self._relative()}"\n'
        )

    def _relative(self) -> str:
        return str(self.identity.server_config.relative_to(self.directory))

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.directory / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-c", str(self.config)], stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError((self.directory / "nats.log").read_text()[-2000:])

    def pause(self) -> None:
        """It takes connections and bytes, and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)  # until all of its threads have

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
