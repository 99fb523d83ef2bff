"""A Dockerfile by instruction."""

from typing import Any

from seatrial.agent.recipes.dockerfile_lines import instructions

MOST = 2_000  # instructions


def steps(text: str) -> Any:
    """`[{"line", "instruction", "rest"}]`: continued lines joined, comments and the bodies of heredocs left out."""
    found = [
        {"line": line, "instruction": keyword, "rest": rest}
        for line, keyword, rest in instructions(text.encode(errors="replace"))
    ]
    if len(found) > MOST:
        return {"unreadable": f"{len(found):,} instructions; Dockerfiles are read up to {MOST:,}"}
    return found
