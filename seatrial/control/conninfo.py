"""The database's address for connections that are not Django's own."""

from typing import Any

from django.db import connections
from psycopg.conninfo import make_conninfo

_NAMES = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user", "PASSWORD": "password"}


def conninfo(**others: Any) -> str:
    """Django's connection parameters, as libpq knows them, with `others` in addition or instead."""
    settings = connections["default"].settings_dict
    ours = {theirs: str(settings[ours]) for ours, theirs in _NAMES.items() if settings.get(ours)}
    return make_conninfo(**{**ours, **others})
