"""The data directory, which holds everything of one embedded platform and nothing else."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.embedded.errors import CannotRun
from seatrial.embedded.typed import typed

DEFAULT = "~/.local/share/seatrial"


@dataclass(frozen=True)
class DataDirectory:
    """Paths below `root`. Everything is private to its owner; root gives `postgres` to an ordinary user."""

    root: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "DataDirectory":
        """$SEATRIAL_DATA_DIR, or the user's own share. Raises CannotRun for a user without a home."""
        try:
            return cls(Path(environ.get("SEATRIAL_DATA_DIR") or DEFAULT).expanduser().absolute())
        except (RuntimeError, OSError) as error:  # OSError: the folder we are in is gone
            raise CannotRun(
                f"no data directory: {error}.", fix="Choose one: SEATRIAL_DATA_DIR=/some/where"
            ) from error

    @property
    def postgres(self) -> Path:
        """The database cluster."""
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        """JetStream's files."""
        return self.root / "nats"

    @property
    def traefik(self) -> Path:
        """Static configuration, and `routes/` that Traefik watches."""
        return self.root / "traefik"

    @property
    def agent(self) -> Path:
        """The agent's own data directory."""
        return self.root / "agent"

    @property
    def backups(self) -> Path:
        """The database as it was before each of the last upgrades."""
        return self.root / "backups"

    @property
    def keys(self) -> Path:
        """Secrets that must never leave this folder: signing keys, the master key, bus credentials."""
        return self.root / "keys"

    @property
    def master_key(self) -> Path:
        """Without it, what is sealed in the database stays closed."""
        return self.keys / "master-key"

    @property
    def secret_key(self) -> Path:
        """Django's signing key."""
        return self.keys / "secret-key"

    @staticmethod
    def former(key: Path) -> Path:
        """The keys that `key` has taken the place of, with commas between, the newest first."""
        return key.with_name(f"{key.name}-fallbacks")

    @property
    def logs(self) -> Path:
        """One log per component, and an older one if the log had grown too large."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Which processes are ours: one record each, with its start time."""
        return self.root / "run"

    @property
    def routes(self) -> Path:
        """The one dynamic configuration file; the worker writes it."""
        return self.traefik / "routes" / "routes.yml"

    @property
    def token(self) -> Path:
        """The API token that `seatrial` signs in with."""
        return self.root / "token"

    @property
    def admin_password(self) -> Path:
        """The password of the first user."""
        return self.root / "admin-password"

    @property
    def platform_file(self) -> Path:
        """Ports and choices remembered from one start to the next."""
        return self.root / "platform.json"

    @property
    def demo(self) -> Path:
        """The sample application's repository."""
        return self.root / "demo"

    @property
    def bus_configuration(self) -> Path:
        """The NATS server's configuration. It is beside `keys/`, because NATS includes relative paths only."""
        return self.root / "nats.conf"

    def ours(self) -> list[Path]:
        """Everything in the directory that we made; the records of running processes come last."""
        folders = [
            self.postgres,
            self.nats,
            self.traefik,
            self.agent,
            self.keys,
            self.logs,
            self.demo,
            self.backups,
        ]
        files = [self.token, self.admin_password, self.bus_configuration, self.platform_file]
        return [*folders, *files, self.run]

    def create(self) -> None:
        """Create missing folders, private to their owner. Raises CannotRun."""
        folders = (self.nats, self.traefik, self.routes.parent, self.agent, self.keys, self.logs, self.run)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            # As root, PostgreSQL and builds run as ordinary users, who must pass through the folder but not list it.
            passable = 0o711 if os.geteuid() == 0 else 0o700
            for folder in (self.root, *folders):
                folder.mkdir(exist_ok=True)
                folder.chmod(passable if folder in {self.root, self.agent} else 0o700)
            self.postgres.mkdir(exist_ok=True)
        except OSError as error:
            raise CannotRun(
                f"the data directory {self.root} cannot be used: {error.strerror}.",
                fix=f"Make it writable, or choose another: SEATRIAL_DATA_DIR=/some/where {typed('up')}",
            ) from error
