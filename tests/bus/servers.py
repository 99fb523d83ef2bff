"""A real nats-server with our own identity, that can be killed and started again on the same port."""

import socket
import subprocess
import time
from pathlib import Path

from seatrial.control.fleet.bus_identity import BusIdentity, ensure


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NatsServer:
    def __init__(self, program: str, directory: Path) -> None:
        self.program = program
        self.directory = directory
        self.identity: BusIdentity = ensure(directory / "keys")
        self.port, self.monitor_port = free_port(), free_port()
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
        log = (self.directory / "nats.log").open("ab")
        self.process = subprocess.Popen(
            [self.program, "-c", str(self.config)], stdout=log, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError((self.directory / "nats.log").read_text()[-2000:])

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
