"""From answers to a complete `.env`, and what to type after it."""

from collections.abc import Mapping
from pathlib import Path

from seatrial.dotenv.questions import Draft
from seatrial.dotenv.table import variables
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
# The same key under the name of the other install, in another form.
VAULT = ("GALLEY_MASTER_KEY", "GITGRIT_ENCRYPTION_KEY")


def complete(draft: Draft) -> dict[str, str]:
    """The values of the file: the answers, what was kept, and a fresh key wherever there is none."""
    values = dict(draft.values)
    for one in variables(draft.install):
        if one.make is not None and not values.get(one.name):
            values[one.name] = one.make()
    return values


def other_key(install: Install, kept: Mapping[str, str]) -> str:
    """The variable of an earlier file whose key would be given up, because this install names its key otherwise."""
    mine = {one.name for one in variables(install)}
    lost = [name for name in VAULT if kept.get(name) and name not in mine]
    return lost[0] if lost and not any(kept.get(name) for name in VAULT if name in mine) else ""


def next_commands(install: Install, directory: Path) -> tuple[str, ...]:
    """What to type, in the folder of the compose file."""
    return (f"cd {directory}", *NEXT[install])


def still_to_fill(values: Mapping[str, str]) -> list[str]:
    """Variables that only the operator knows."""
    return [name for name, value in values.items() if not value]


def callbacks(values: Mapping[str, str]) -> list[str]:
    """Where each provider that is on sends people back to: its application must know exactly this address."""
    return [
        f"{values['SITE_URL'].rstrip('/')}/accounts/{kind}/login/callback/"
        for kind in ("github", "gitlab", "gitea")
        if values.get(f"AUTH_PROVIDER_{kind.upper()}_ENABLED") == "True"
    ]
