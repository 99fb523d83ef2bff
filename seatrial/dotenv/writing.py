"""From answers to a complete `.env`, and what to type after it."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from seatrial.control.vault.errors import UnfitMasterKey
from seatrial.control.vault.keys import MasterKey
from seatrial.dotenv import keys
from seatrial.dotenv.checking import lacking
from seatrial.dotenv.questions import Draft, Unfit
from seatrial.dotenv.table import ENCRYPTION_KEY, MASTER_KEY, variables
from seatrial.dotenv.variable import Install

NEXT = {
    Install.ONE_HOST: (
        "docker compose pull",
        "docker compose up -d",
        "docker compose logs -f galley-server",
    ),
    Install.AIR_GAPPED: (
        "docker compose -f docker-compose.full.yaml up -d",
        "docker compose -f docker-compose.full.yaml exec app python manage.py airgap_setup",
        "docker compose -f docker-compose.full.yaml exec app python manage.py airgap_smoketest --check-isolation",
        "docker compose -f docker-compose.full.yaml logs -f app",
    ),
}


def complete(draft: Draft) -> dict[str, str]:
    """The values of the file: the answers, what was kept, and a fresh key wherever there is none.

    A key of the vault stays the same key when the kind of install changes, under the name that it has there.
    Raises Unfit if it is none.
    """
    values = dict(draft.values)
    if draft.install is Install.AIR_GAPPED and MASTER_KEY in values:
        master = values.pop(MASTER_KEY)
        if master and not values.get(ENCRYPTION_KEY):
            values[ENCRYPTION_KEY] = _as_fernet(master)
    needed = set(lacking(draft.install, values))
    for one in variables(draft.install):
        if one.make is not None and not values.get(one.name) and (one.name in needed or not one.required):
            values[one.name] = one.make()
    return values


def _as_fernet(master: str) -> str:
    try:
        return keys.as_fernet(MasterKey.parse(master).value)
    except UnfitMasterKey as error:
        raise Unfit(str(error)) from error


def next_commands(install: Install, directory: Path | None) -> tuple[str, ...]:
    """What to type, in the folder of the compose file; where that is, is known only if the file was written there."""
    return (*([f"cd {shlex.quote(str(directory))}"] if directory else []), *NEXT[install])


def callbacks(values: Mapping[str, str]) -> list[str]:
    """Where each provider that is on sends people back to: its application must know exactly this address."""
    return [
        f"{values['SITE_URL'].rstrip('/')}/accounts/{kind}/login/callback/"
        for kind in ("github", "gitlab", "gitea")
        if values.get(f"AUTH_PROVIDER_{kind.upper()}_ENABLED") == "True"
    ]
