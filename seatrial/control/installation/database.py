"""Waiting for the database, and one sentence for each reason why it cannot be used."""

import socket
import time
from collections.abc import Callable, Iterable

import psycopg
import structlog
from django.conf import settings

from seatrial.control.conninfo import conninfo
from seatrial.control.installation.errors import DatabaseRefuses, NoDatabase, TwoDatabases

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 60.0
AGAIN_SECONDS = 0.5
OLDER_STACK = "take the older one down: docker compose -f docker-compose.full.yaml down"
Identify = Callable[[str], str | None]


def await_database(patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Return when the database answers and lets us in. Waits while it does not answer or only starts.

    Raises NoDatabase after `patience_seconds`; at once DatabaseRefuses for what does not pass by itself, and
    TwoDatabases when its name leads to more than one.
    """
    deadline = time.monotonic() + patience_seconds
    told = False
    while True:
        try:
            psycopg.connect(conninfo()).close()
            refuse_two(addresses(), identity)
            return
        except psycopg.OperationalError as error:
            _refuse_lasting(str(error))
            said = _last_line(str(error))
            if time.monotonic() > deadline:
                raise NoDatabase(_away(said, patience_seconds)) from error
        if not told:
            log.info("waiting for the database", reason=said)
        told = True
        time.sleep(AGAIN_SECONDS)


def addresses() -> list[str]:
    """The addresses behind DB_HOST, if it is the name of one host."""
    host = settings.CONFIGURATION.db_host
    if not host or host.startswith(("/", "@")) or "," in host:
        return []
    try:
        found = socket.getaddrinfo(host, settings.CONFIGURATION.db_port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return sorted({str(address[0]) for *_, address in found})


def identity(address: str) -> str | None:
    """Which server answers there, as far as it lets us know; None when none answers."""
    try:
        with psycopg.connect(conninfo(hostaddr=address)) as connection:
            row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
            return str(row[0]) if row else None
    except psycopg.OperationalError as error:
        return "refuses" if _refusal(str(error)) else None
    except psycopg.Error:  # it does not tell everybody
        return "unknown"


def refuse_two(found: Iterable[str], identify: Identify) -> None:
    """Raise TwoDatabases when the addresses of one name lead to different servers; those of one server are fine."""
    found = list(found)
    if len(found) < 2:
        return
    servers = {address: server for address in found if (server := identify(address)) is not None}
    if len(set(servers.values())) > 1:
        host = settings.CONFIGURATION.db_host
        raise TwoDatabases(
            f"DB_HOST {host} leads to different databases ({', '.join(servers)}): a second stack on this host shares the network, and "
            f"each process would reach one or the other. Run one stack per host; {OLDER_STACK}"
        )


def _refuse_lasting(said: str) -> None:
    """Raise the error for what waiting does not mend."""
    refusal = _refusal(said)
    if refusal:
        refuse_two(addresses(), identity)
        raise DatabaseRefuses(refusal)


def _refusal(said: str) -> str | None:
    """What a person must do about the server's refusal; None for what may pass by itself.

    Only its words say which it is: libpq gives no SQLSTATE for a connection that was not made. In a server of another
    language they are not recognised; then we wait in vain, and its own words are shown.
    """
    configuration, where = settings.CONFIGURATION, _where()
    if "password authentication failed" in said or "no password supplied" in said:
        return (
            f'password authentication failed for user "{configuration.db_user}" at {where}: DB_PASSWORD (POSTGRES_PASSWORD in .env) is '
            "not the one that this database was made with. PostgreSQL's image takes it only while its volume is empty; later it is "
            f"changed with ALTER USER. Or the database of a second stack on this host answers in its place: {OLDER_STACK}"
        )
    if f'role "{configuration.db_user}" does not exist' in said:
        return (
            f"the database server at {where} has no user {configuration.db_user}. Correct DB_USER (POSTGRES_USER in .env), "
            "or make the user: CREATE ROLE"
        )
    if f'database "{configuration.db_name}" does not exist' in said:
        return (
            f"the database server at {where} has no database {configuration.db_name}. Correct DB_NAME (POSTGRES_DB in .env), "
            "or make the database: CREATE DATABASE"
        )
    if of_tls := _refusal_of_tls(said, where):
        return of_tls
    if "no pg_hba.conf entry" in said:
        return f"the database server at {where} lets nobody in from here: {_last_line(said)}. Add a line to its pg_hba.conf"
    return None


def _refusal_of_tls(said: str, where: str) -> str | None:
    configuration = settings.CONFIGURATION
    if "does not support SSL" in said:
        return (
            f"the database server at {where} offers no TLS, and DB_SSLMODE={configuration.db_sslmode} asks for it. Turn it on there (ssl = on), "
            "or change DB_SSLMODE"
        )
    if "certificate verify failed" in said:
        return (
            f"nobody whom we trust has issued the certificate of the database server at {where}. Put its authorities into a PEM file, and "
            "name that in DB_CA_FILE"
        )
    if "does not match host name" in said:
        return f"the certificate of the database server is not for {configuration.db_host}. Write a name that is in it as DB_HOST"
    if "root certificate file" in said or "root certificate store" in said:
        return f"DB_CA_FILE: {configuration.db_ca_file or 'the system'} has no certificates that can be read. Write the path of a PEM file"
    return None


def _away(said: str, seconds: float) -> str:
    if not settings.CONFIGURATION.db_host:
        return "DB_HOST is not set: it names the host of PostgreSQL."
    return (
        f"the database at {_where()} did not answer within {seconds:.0f} s: {said}. "
        "See whether it runs, and whether DB_HOST and DB_PORT are right."
    )


def _where() -> str:
    """The server's name, and the addresses that it has now."""
    configuration = settings.CONFIGURATION
    found = [address for address in addresses() if address != configuration.db_host]
    return f"{configuration.db_host}:{configuration.db_port}" + (f" ({', '.join(found)})" if found else "")


def _last_line(said: str) -> str:
    """What libpq says about the last address that it tried, without its questions to the reader."""
    lines = [line.strip() for line in said.splitlines()]
    lines = [line for line in lines if line and not line.startswith("Is the server")]
    return lines[-1] if lines else "no reason was given"
