"""`seatrial policies break-glass` and `mend-glass`: one commit passes in an emergency."""

import os
from typing import Annotated
from urllib.parse import quote

import typer

from seatrial.cli.api import connect
from seatrial.cli.pulls import AsJson
from seatrial.cli.terminal import Terminal, document
from seatrial.cli.verdicts import print_evaluation
from seatrial.embedded.layout import DataDirectory

Evaluation = Annotated[
    str, typer.Argument(metavar="EVALUATION", help="Id of an evaluation of the commit, as its page shows it.")
]
Reason = Annotated[str, typer.Option("--reason", help="What the emergency is.")]
Hours = Annotated[int, typer.Option("--hours", help="For how long.", min=1, max=24)]


def break_glass(evaluation: Evaluation, reason: Reason, hours: Hours = 4, as_json: AsJson = False) -> None:
    """Let a commit pass in an emergency, whatever its policies say. It takes the role admin, and is audited."""
    _sent(evaluation, "break-glass", {"reason": reason, "hours": hours}, as_json)


def mend_glass(evaluation: Evaluation, as_json: AsJson = False) -> None:
    """End that before its time. It takes the role admin."""
    _sent(evaluation, "mend-glass", {}, as_json)


def _sent(key: str, what: str, body: dict[str, object], as_json: bool) -> None:
    api = connect(DataDirectory.from_environment(os.environ))
    row = api.post(f"/evaluations/{quote(key, safe='', errors='replace')}/{what}", body)
    if as_json:
        document(row)
    else:
        print_evaluation(Terminal(), row)
