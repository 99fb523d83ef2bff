"""Write docs/settings.md from the code, so that it cannot be wrong. `--check` only says whether it is up to date."""

import sys
from pathlib import Path

import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from seatrial.agent.settings import Settings
from seatrial.cli.app import app
from seatrial.control.configuration import Configuration

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

HEAD = """\
# Settings and commands

Written by `make docs` from the code. Every setting is an environment variable.

## Embedded: what `seatrial up` reads

Everything else it decides by itself and hands to its processes; anything below may still be set in its environment.

| variable | default | what it is |
|---|---|---|
| `SEATRIAL_DATA_DIR` | `~/.local/share/seatrial` | The data directory: database, bus, keys, logs, build cache. |
| `APP_PORT` | `3000` | Dashboard, API and webhooks (`--port`). Remembered. |
| `SEATRIAL_INGRESS_PORT` | `8080` | Previews (`--ingress-port`). Remembered. |
| `GALLEY_RUNTIME` | `docker` | `docker`, or `process`: no isolation, for trying out only (`--runtime`). Asked for at every start. |
| `DB_HOST` | | Set: that PostgreSQL (with the other `DB_*`) instead of the embedded one. |
| `SEATRIAL_NO_INSTALL` | | `1`: the set-up scripts install nothing and say what is missing. |
| `DOCKER_HOST` | `unix:///var/run/docker.sock` | The container engine. |
"""


def default_of(field: FieldInfo) -> str:
    """The default as one would type it; empty when there is none."""
    value = field.default
    if value is PydanticUndefined or value is None:
        return ""
    text = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
    return f"`{text}`" if text else ""


def table(fields: dict[str, FieldInfo]) -> str:
    """One row per setting."""
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for name, field in fields.items():
        rows.append(f"| `{name.upper()}` | {default_of(field)} | {field.description or ''} |")
    return "\n".join(rows)


def commands() -> str:
    """One row per command."""
    rows = ["| command | what it does |", "|---|---|"]
    group = typer.main.get_command(app)
    for name in group.list_commands(typer.Context(group)):  # type: ignore[attr-defined]
        command = group.get_command(typer.Context(group), name)  # type: ignore[attr-defined]
        words = " ".join(f"`{part}`" for part in options(command))
        rows.append(f"| `seatrial {name}` {words} | {command.get_short_help_str(limit=200)} |")
    return "\n".join(rows)


def options(command: object) -> list[str]:
    """Arguments and options of a command, as its help names them."""
    parameters = getattr(command, "params", [])
    return [parameter.metavar or parameter.opts[-1] for parameter in parameters if parameter.name != "help"]


def page() -> str:
    """The whole page."""
    parts = [
        HEAD,
        "## Control plane: web and worker\n",
        "`SECRET_KEY`, `GALLEY_MASTER_KEY` and `DB_PASSWORD` may come from a file: `SECRET_KEY_FILE` names one.\n",
        table(Configuration.model_fields),
        "\n## Agent: `galley-agent`\n",
        table(Settings.model_fields),
        "\n## Commands\n",
        commands(),
        "\nExit codes: 0 done (or passed), 1 the answer is no (failed, not passed), 2 a usage or platform error, "
        "130 interrupted.\n",
    ]
    return "\n".join(parts)


def main() -> int:
    """Write, or check."""
    wanted = page()
    if "--check" in sys.argv:
        return 0 if PAGE.exists() and PAGE.read_text() == wanted else 1
    PAGE.write_text(wanted)
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
