"""platform.json: decisions of one start that the next start and every command must know."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from seatrial import files
from seatrial.embedded.errors import CannotRun
from seatrial.embedded.typed import typed
from seatrial.wire.words import RuntimeKind


class Remembered(BaseModel):
    """Ports and choices of one platform. Written whole and atomically."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    port: int
    ingress_port: int
    nats_port: int
    traefik_port: int
    runtime: RuntimeKind | str = RuntimeKind.DOCKER
    engine: str = ""  # address of the Docker Engine that this agent last used; empty if it never used one
    site_url: str = ""
    agent: str = ""  # id that labels everything we made on the engine; empty until the agent has registered

    @property
    def api_url(self) -> str:
        """Where the web process listens."""
        return f"http://127.0.0.1:{self.port}"


def read(path: Path) -> Remembered | None:
    """The remembered values, or None. Raises CannotRun when the file is damaged."""
    try:
        return Remembered.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except (ValidationError, OSError) as error:
        raise CannotRun(
            f"{path} cannot be read.", fix=f"Remove it; ports are then chosen anew: {typed('up')}"
        ) from error


def write(path: Path, remembered: Remembered) -> None:
    """Replace the file in one step."""
    files.replace(path, json.dumps(remembered.model_dump(), indent=2) + "\n")
