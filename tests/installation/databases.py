"""Databases of a test's own beside the session's, for processes that prepare them."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from seatrial.control.conninfo import conninfo


@contextmanager
def empty_database() -> Iterator[str]:
    """The name of a new, empty database on the session's server. It is dropped afterwards, whoever still uses it."""
    name = f"prepared_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(conninfo(), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield name
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def start(database: str, module: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """A module of the control plane with this database, as a process."""
    return subprocess.Popen(
        [sys.executable, "-m", f"seatrial.control.{module}", *arguments],
        env={**os.environ, "DB_NAME": database, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
