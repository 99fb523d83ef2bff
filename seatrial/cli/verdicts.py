"""Prints an evaluation as a list that a person can scan quickly: sign, name, one sentence."""

from rich.console import Console
from rich.markup import escape

from seatrial.cli.api import Json
from seatrial.cli.show import mark, seconds
from seatrial.wire.states import Isolation


def print_evaluation(console: Console, evaluation: Json) -> None:
    """Print each policy's result, then the verdict."""
    results = evaluation.get("results") or []
    width = max((len(result["policy"]) for result in results), default=0)
    for result in results:
        console.print(
            f"  {mark(result['state'])} {escape(result['policy']):<{width}}  {result['state']:<9}"
            f" {_score(result.get('score'))}  {escape(_first_line(result.get('message')))}"
        )
    score = evaluation.get("score")
    counted = f", score {score:g}" if score is not None else ""
    took = f" in {seconds(evaluation['seconds'])}" if evaluation.get("seconds") else ""
    console.print(f"{mark(evaluation['state'])} [bold]{evaluation['state']}[/]{counted}{took}")
    if evaluation.get("message"):
        console.print(f"  {escape(evaluation['message'])}")
    if evaluation.get("isolation") and evaluation["isolation"] != Isolation.GVISOR:
        console.print(f"  [yellow]! weaker isolation: {evaluation['isolation']}[/]")
    if evaluation.get("page_url"):
        console.print(f"  details  {escape(evaluation['page_url'])}")


def _score(value: float | None) -> str:
    return f"{value:>5.0f}" if value is not None else "    -"


def _first_line(message: str | None) -> str:
    return (message or "").strip().splitlines()[0] if (message or "").strip() else ""
