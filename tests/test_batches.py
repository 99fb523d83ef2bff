"""How `scripts/test` divides the tests: one of `e2e` removes every container, and one kills the engine."""

import re
from pathlib import Path

HOME = Path(__file__).parents[1]
TOUCHES = re.compile(r"""mark\.(docker|gvisor)\b|(require|find)\(["'](docker|gvisor|buildah)["']\)""")


def test_what_touches_the_engine_ends_before_the_whole_platform_is_driven() -> None:
    script = (HOME / "scripts/test").read_text()
    listed = re.findall(r"\bengine(?:_too|_last)?=\(([^)]+)\)", script)
    before = {HOME / folder for folders in listed for folder in folders.split()}
    assert len(listed) == 3 and all(folder.is_dir() for folder in before)
    touching = {file for file in (HOME / "tests").rglob("*/*.py") if TOUCHES.search(file.read_text())}
    assert len(touching) > 20, "about nothing"
    elsewhere = [file for file in touching if not before & set(file.parents)]
    assert not elsewhere, "move these, or name their folder in scripts/test"


def test_every_folder_that_is_named_is_there_and_both_halves_of_the_worker_are_the_whole() -> None:
    """What is not named runs with `rest`."""
    script = (HOME / "scripts/test").read_text()
    folders = set(re.findall(r"\btests/\w+", script))
    assert folders <= {f"tests/{folder.name}" for folder in (HOME / "tests").iterdir() if folder.is_dir()}
    halves = re.findall(r"tests/worker/(\S+?\.py)\b", script)
    there = sorted(file.name for file in (HOME / "tests/worker").glob("test_*.py"))
    found = sorted(f.name for half in halves for f in (HOME / "tests/worker").glob(half))
    assert found == there
