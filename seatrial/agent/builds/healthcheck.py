"""HEALTHCHECK, which buildah's OCI output leaves out, read from the Dockerfile into the engine's own form."""

import json
import re
from typing import Any

from seatrial.agent.recipes.dockerfile import Dockerfile, Stage
from seatrial.agent.vocabulary import quantities

OPTION = re.compile(r"--([a-z-]+)=(\S+)\s*")
DURATIONS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}


def healthcheck(file: Dockerfile, target: str | None = None) -> dict[str, Any] | None:
    """The check of the final stage, or of the stage it begins from; None if none of them has one."""
    stages = list(file.until(target))
    stage: Stage | None = stages[-1]
    while stage is not None:
        checks = [text for keyword, text in stage.instructions if keyword == "HEALTHCHECK"]
        if checks:
            return parsed(checks[-1])
        base = stage.base.lower()
        stages = stages[: stages.index(stage)]
        stage = next((one for one in reversed(stages) if (one.name or "").lower() == base), None)
    return None


def parsed(text: str) -> dict[str, Any]:
    """`[--interval=…] CMD …` or `NONE`; unknown options are ignored, because the build has refused them by now."""
    check: dict[str, Any] = {}
    while option := OPTION.match(text):
        name, value = option.groups()
        if name in DURATIONS:
            check[DURATIONS[name]] = int(quantities.seconds(value) * 1e9)
        elif name == "retries":
            check["Retries"] = int(value)
        text = text[option.end() :]
    command = re.sub(r"^(?i:CMD)\s+", "", text).strip()
    return {"Test": ["NONE"] if command.upper() == "NONE" else words(command), **check}


def words(command: str) -> list[str]:
    """A command in the engine's form: the JSON form as it is, anything else for a shell."""
    if command.startswith("["):
        try:
            return ["CMD", *map(str, json.loads(command))]
        except ValueError:
            pass
    return ["CMD-SHELL", command]
