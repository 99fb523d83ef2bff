"""Checks that files have at most 500 lines and functions at most 60. Migrations and vendored files are exempt."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("seatrial", "tests", "e2e", "bench", "scripts", "examples")
MAX_FILE, REVIEW_FILE, MAX_FUNCTION = 500, 300, 60
EXEMPT = {"migrations", "vendor", "node_modules"}


def sources() -> Iterator[Path]:
    """Every Python file of this repository, except migrations and vendored ones."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not EXEMPT & set(path.parts):
                yield path


def too_long(path: Path) -> Iterator[str]:
    """Everything in one file that exceeds a limit."""
    text = path.read_text()
    lines = len(text.splitlines())
    name = path.relative_to(ROOT)
    if lines > MAX_FILE:
        yield f"{name}: {lines} lines; the limit is {MAX_FILE}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION:
                yield f"{name}:{node.lineno}: {node.name} has {length} lines; the limit is {MAX_FUNCTION}"


def main() -> int:
    """Print what exceeds a limit, and which files deserve a look."""
    paths = list(sources())
    lengths = sorted(len(path.read_text().splitlines()) for path in paths)
    problems = [problem for path in paths for problem in too_long(path)]
    print(f"{len(paths)} files, median {lengths[len(lengths) // 2]} lines, longest {lengths[-1]}")
    for path in paths:
        if len(path.read_text().splitlines()) > REVIEW_FILE:
            print(f"  over {REVIEW_FILE}, look again: {path.relative_to(ROOT)}")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
