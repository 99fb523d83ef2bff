"""How trials and replays look in a terminal."""

import json
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len

from seatrial.cli.api import Json
from seatrial.cli.show import mark, padded, seconds
from seatrial.cli.terminal import Terminal, bold, note, warning
from seatrial.wire.counted import counted
from seatrial.wire.states import Isolation, ResultState
from seatrial.wire.visible import visible

COLUMNS = ("commits", "passed", "failed", "errored", "newly_failing", "newly_passing")
MOST_SHOWN = 300  # characters of one side of a difference


def print_tests(terminal: Terminal, trial: Json, slugs: Sequence[str]) -> None:
    """Print each policy with its tests: those that agree as a number, the others key by key."""
    width = max(map(cell_len, map(visible, slugs)), default=0)
    for slug in slugs:
        rows = [row for row in trial["results"] if row["policy"] == slug]
        wrong = [row for row in rows if not row["agrees"]]
        if not rows:
            terminal.line(mark(ResultState.SKIPPED), f" {padded(slug, width)}  ", note("no tests"))
            continue
        state = ResultState.FAILED if wrong else ResultState.PASSED
        said = f"{len(wrong)} of {counted(len(rows), 'test')} differ" if wrong else counted(len(rows), "test")
        terminal.line(mark(state), " ", bold(padded(slug, width)), f"  {said}")
        for row in wrong:
            _print_differing(terminal, row)
    _print_foot(terminal, trial)


def print_tried(terminal: Terminal, trial: Json) -> None:
    """Print what a policy says of one commit."""
    for row in trial["results"]:
        score = f"  score {row['score']:g}" if row.get("score") is not None else ""
        memory = "  remembered" if row.get("memoised") else f"  {seconds(row['seconds'])}"
        terminal.line(mark(row["state"]), " ", bold(row["state"]), score, note(memory))
        if row.get("message"):
            terminal.lines(row["message"])
        for one in row.get("findings") or []:
            where = f"{one['path']}:{one['line']}" if one.get("line") else one["path"]
            terminal.line(f"  {where}  ", bold(one["message"]), note(f"  {one['severity']}"))
        for tool in row.get("tools") or []:
            terminal.line(
                "  ", note(f"{tool['tool']} {tool['version']} read {counted(tool['files'], 'file')}")
            )
        for line in row.get("logs") or []:
            terminal.lines(line["message"], before=f"  {visible(line['level'])}  ", style="dim")
    _print_foot(terminal, trial)


def print_replay(terminal: Terminal, replay: Json) -> None:
    """Print a replay project by project, then all together."""
    rows = [(one["name"], one["counts"]) for one in replay["projects"]] + [("all", replay["counts"])]
    width = max(cell_len(visible(name)) for name, _ in rows)
    heads = [head.replace("_", " ") for head in COLUMNS]
    terminal.line(padded("", width), note("".join(f"  {head}" for head in heads)))
    for name, counts in rows:
        numbers = "".join(f"  {counts[key]:>{len(head)}}" for key, head in zip(COLUMNS, heads, strict=True))
        terminal.line(bold(padded(name, width)), numbers)
    counts = replay["counts"]
    if counts["not_run"]:
        terminal.line(
            "  ", warning(f"{counted(counts['not_run'], 'commit')} could not be looked at: see the page")
        )
    if replay["left_out"]:
        terminal.line("  ", warning(f"no room for {counted(replay['left_out'], 'older commit')}"))
    if replay["in_force"] is None:
        terminal.line("  ", note("no version is in force: everything that fails is newly failing"))
    if replay["message"]:
        terminal.lines(replay["message"])
    terminal.line(f"  took {seconds(counts['seconds'])} of agents' time")
    terminal.line(f"  details  {replay['page_url']}")


def _print_differing(terminal: Terminal, row: Json) -> None:
    terminal.line("  ", mark(ResultState.FAILED), f" {row['test']}")
    for one in row["differences"]:
        terminal.line(
            f"      {one['key']}: expected ", bold(_short(one["expected"])), f", said {_short(one['said'])}"
        )
    if row["message"] and not any(one["key"] in ("message", "state") for one in row["differences"]):
        terminal.lines(row["message"], before="      ", style="dim")


def _print_foot(terminal: Terminal, trial: Json) -> None:
    if trial.get("message"):
        terminal.lines(trial["message"])
    if trial.get("isolation") and trial["isolation"] != Isolation.GVISOR:
        terminal.line("  ", warning(f"weaker isolation: {trial['isolation']}"))
    terminal.line(f"  details  {trial['page_url']}")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + " ..."
