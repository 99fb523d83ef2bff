"""The database's address for connections that are not Django's own."""

from typing import Any

from django.db import connections
from psycopg.conninfo import make_conninfo

_NAMES = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user", "PASSWORD": "password"}


_VARIABLES = {
    "HOST": "PGHOST",
    "PORT": "PGPORT",
    "NAME": "PGDATABASE",
    "USER": "PGUSER",
    "PASSWORD": "PGPASSWORD",
}


def environment() -> dict[str, str]:
    """Django's connection parameters for PostgreSQL's own programs, whose arguments everybody on the machine can read."""
    settings = connections["default"].settings_dict
    return {theirs: str(settings[ours]) for ours, theirs in _VARIABLES.items() if settings.get(ours)}


def conninfo(**others: Any) -> str:
    """Django's connection parameters, as libpq knows them, with `others` in addition or instead."""
    settings = connections["default"].settings_dict
    ours = {theirs: str(settings[ours]) for ours, theirs in _NAMES.items() if settings.get(ours)}
    return make_conninfo(**{**ours, **others})
