"""How `scripts/test` divides the tests: one of `e2e` kills the engine, when nobody else needs it any more."""

import re
from pathlib import Path

HOME = Path(__file__).parents[1]
TOUCHES = re.compile(r"""mark\.(docker|gvisor)\b|(require|find)\(["'](docker|gvisor|buildah)["']\)""")
WALK = re.compile(r"\bmark\.walk\b")  # not run here
KILLS = re.compile(r"\bkill\(dockerd\b")
NEED_THE_ENGINE = ("parts", "more_parts", "own_platforms")


def named(*lists: str) -> set[Path]:
    """The files and folders in these lists of the script."""
    script = (HOME / "scripts/test").read_text()
    words = {name: re.search(rf"^{name}=\(([^)]+)\)", script, re.MULTILINE) for name in lists}
    return {HOME / word for found in words.values() if found for word in found[1].split()}


def touches(code: str) -> bool:
    return bool(TOUCHES.search(code)) and not WALK.search(code)


def test_what_touches_the_engine_ends_before_the_engine_is_killed() -> None:
    before = [named(one) for one in NEED_THE_ENGINE]
    assert all(before) and all(path.exists() for paths in before for path in paths)
    touching = {file for file in (HOME / "tests").rglob("*/*.py") if touches(file.read_text())}
    assert len(touching) > 20, "about nothing"
    elsewhere = [file for file in touching if not set().union(*before) & {file, *file.parents}]
    assert not elsewhere, "move these, or name them in scripts/test"
    script = (HOME / "scripts/test").read_text()
    assert re.findall(r"^  (?:aside )?(?:batch|all_but) (\w+) .*engine\+?=\(\$!\)$", script, re.MULTILINE) == [
        "platform", *NEED_THE_ENGINE,
    ]  # fmt: skip
    assert script.index('wait "${engine[@]}"') < script.index("batch death")


def test_only_the_test_that_is_run_alone_kills_the_engine() -> None:
    # In e2e/faults.py it is killed in campaigns alone.
    killing = {file for file in (HOME / "e2e").glob("test_*.py") if KILLS.search(file.read_text())}
    assert killing == named("death")


def test_every_name_is_there_and_both_halves_of_the_worker_are_the_whole() -> None:
    """What is not named runs with `rest`, or with `platform`."""
    script = (HOME / "scripts/test").read_text()
    assert all(
        (HOME / name).exists() for name in re.findall(r"\b(?:tests|e2e)/\w+(?:\.py)?(?![\w\[])", script)
    )
    halves = re.findall(r"tests/worker/(\S+?\.py)\b", script)
    there = sorted(file.name for file in (HOME / "tests/worker").glob("test_*.py"))
    found = sorted(f.name for half in halves for f in (HOME / "tests/worker").glob(half))
    assert found == there
