"""The one agent of an embedded platform."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from seatrial.embedded.components.base import Component, Ready
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.processes import ChildProgram
from seatrial.embedded.remembered import Remembered

NAME = "local"
CREDENTIAL = "identity/agent.creds"


def least_free_mb(environ: Mapping[str, str]) -> int:
    """How many free megabytes the agent builds with at least, given this environment."""
    from seatrial.agent.settings import Settings

    default = int(Settings.model_fields["galley_min_free_mb"].default)
    asked = environ.get("GALLEY_MIN_FREE_MB", "").strip()
    return int(asked) if asked.isdigit() else default


def has_joined(directory: Path) -> bool:
    """Whether the agent already has a credential, so that it needs no token."""
    return (directory / CREDENTIAL).exists()


def environment(
    data: DataDirectory, remembered: Remembered, token: str, inherited: Mapping[str, str]
) -> dict[str, str]:
    """The agent's environment, which never contains a secret of the control plane, also none that an operator has set."""
    from seatrial.control.configuration import Configuration

    secrets = {
        name.upper() for name, field in Configuration.model_fields.items() if field.annotation is SecretStr
    }
    return {
        "GALLEY_MAX_PARALLEL_BUILDS": "4",
        "GALLEY_DEFAULT_CPUS": "1",
        "GALLEY_DEFAULT_MEMORY": "512m",
        **{name: value for name, value in inherited.items() if name not in secrets},
        "SEATRIAL_DATA_DIR": str(data.root),
        "GALLEY_CONTROL_PLANE_URL": remembered.api_url,
        "GALLEY_NATS_URL": f"nats://127.0.0.1:{remembered.nats_port}",
        "GALLEY_AGENT_TOKEN": token,
        "GALLEY_DATA_DIR": str(data.agent),
        "GALLEY_RUNTIME": remembered.runtime,
        "PYTHONUNBUFFERED": "1",
    }


def component(binaries: Path, environment: Mapping[str, str], *, online: Ready) -> Component:
    """The agent process; ready when the control plane says that it is online."""
    program = ChildProgram(
        name="agent",
        arguments=[str(binaries / "galley-agent")],
        environment=environment,
        grace_seconds=15,
        directory=Path("/"),
    )
    return Component(program=program, ready=online, what="the agent")
