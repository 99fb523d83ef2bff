"""Prints an evaluation as a list that a person can scan quickly: sign, name, one sentence."""

from rich.cells import cell_len

from seatrial.cli.api import Json
from seatrial.cli.show import mark, padded, seconds
from seatrial.cli.terminal import Terminal, bold, note, warning
from seatrial.wire.counted import counted
from seatrial.wire.states import Isolation, Level
from seatrial.wire.visible import visible


def print_evaluation(terminal: Terminal, evaluation: Json) -> None:
    """Print each policy's result, then the verdict."""
    results = evaluation.get("results") or []
    width = max((cell_len(visible(result["name"])) for result in results), default=0)
    for result in results:
        terminal.line(
            *("  ", mark(result["state"]), f" {padded(result['name'], width)}  {result['state']:<9}"),
            f" {_score(result.get('score'))}  {_first_line(result.get('waived') or result.get('message'))}",
            note("  advisory") if result.get("level") == Level.ADVISORY else "",
            warning(f"  ran with network ({result['network']})") if result.get("network") else "",
        )
    took = f" in {seconds(evaluation['seconds'])}" if evaluation.get("seconds") else ""
    terminal.line(
        mark(evaluation["state"]), " ", bold(evaluation["state"]), f"{counted_score(evaluation)}{took}"
    )
    if evaluation.get("glass"):
        terminal.lines(evaluation["glass"])
    if evaluation.get("message"):
        terminal.lines(evaluation["message"])
    if evaluation.get("isolation") and evaluation["isolation"] != Isolation.GVISOR:
        terminal.line("  ", warning(f"weaker isolation: {evaluation['isolation']}"))
    if evaluation.get("page_url"):
        terminal.line(f"  details  {evaluation['page_url']}")


def counted_score(evaluation: Json) -> str:
    """`, score 50, 1 waived, 2 remarks`, where there is one."""
    score, waived, remarks = (evaluation.get(name) for name in ("score", "waived", "remarks"))
    return "".join(
        [
            f", score {score:g}" if score is not None else "",
            f", {waived} waived" if waived else "",
            f", {counted(remarks, 'remark')}" if remarks else "",
        ]
    )


def _score(value: float | None) -> str:
    return f"{value:>5.0f}" if value is not None else "    -"


def _first_line(message: str | None) -> str:
    return (message or "").strip().splitlines()[0] if (message or "").strip() else ""
