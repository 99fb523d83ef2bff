"""How the database is reached: for Django's connections, for those that are not Django's, and for PostgreSQL's own programs."""

from typing import Any

from django.db import connections
from psycopg.conninfo import make_conninfo

from seatrial.control.configuration import Configuration

_NAMES = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user", "PASSWORD": "password"}

_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
# A server that vanished, or whose place another has taken, is noticed in half a minute: otherwise a query waits for hours.
LASTING: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    # After a failover, the name may still lead to the old server, which only reads by then.
    "target_session_attrs": "read-write",
}


def options(configuration: Configuration) -> dict[str, Any]:
    """What libpq is told beside host, port, name, user and password."""
    authorities = str(configuration.db_ca_file or "")
    if not authorities and configuration.db_sslmode == "verify-full":
        authorities = str(configuration.authorities or "system")
    tls = {"sslmode": configuration.db_sslmode, "sslrootcert": authorities}
    return LASTING | {name: value for name, value in tls.items() if value}


def environment() -> dict[str, str]:
    """The same for PostgreSQL's own programs, whose arguments everybody on the machine can read."""
    return {_VARIABLES[name]: value for name, value in _parameters().items() if name in _VARIABLES}


def conninfo(**others: Any) -> str:
    """The same as libpq takes it, with `others` in addition or instead."""
    return make_conninfo(**{**_parameters(), **others})


def _parameters() -> dict[str, str]:
    settings = connections["default"].settings_dict
    ours = {theirs: str(settings[ours]) for ours, theirs in _NAMES.items() if settings.get(ours)}
    told = {name: str(value) for name, value in settings["OPTIONS"].items() if name != "pool"}
    return ours | told
