"""The programs of tools, as they are installed beside the agent: for the sandbox's image that it makes itself."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from seatrial.agent.sandboxes.facts.tools import TOOLS, Tool


def installed() -> dict[str, Path]:
    """Each tool's program; a tool that is not installed, or in another version, has none."""
    found = {tool.name: program_of(tool) for tool in TOOLS.values()}
    return {name: path for name, path in found.items() if path is not None}


def program_of(tool: Tool) -> Path | None:
    """Its program: the largest file of its name, because a package may have a small one that calls it."""
    try:
        package = distribution(tool.package)
    except PackageNotFoundError:
        return None
    if package.version != tool.version:
        return None
    named = [
        Path(str(package.locate_file(one))).resolve() for one in package.files or () if one.name == tool.name
    ]
    return max((path for path in named if path.is_file()), key=lambda path: path.stat().st_size, default=None)


def versions() -> str:
    """All of them, in one line."""
    return " ".join(f"{tool.name}={tool.version}" for tool in TOOLS.values())
