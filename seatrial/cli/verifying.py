"""`seatrial verify`: what a signed result proves, checked here, without the server that signed it."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from seatrial.cli.api import connect
from seatrial.cli.errors import CommandError
from seatrial.cli.pulls import AsJson
from seatrial.cli.show import mark, padded
from seatrial.cli.terminal import Terminal, bold, document, note
from seatrial.embedded.layout import DataDirectory
from seatrial.embedded.typed import typed

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="A signed result: `report EVALUATION --format attestation` gives it."
    ),
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        help="Public keys to trust: PEM, or what /api/v1/signing-keys answered. Without: those of the running platform.",
    ),
]
Commit = Annotated[str, typer.Option("--commit", help="The commit that it must be about, in full.")]
MOST_BYTES = 20 * 1024 * 1024


def verify(file: File, key: Key = None, commit: Commit = "", as_json: AsJson = False) -> None:
    """Check a signed result, and say what it proves."""
    from seatrial.signed.envelope import check
    from seatrial.signed.errors import SignedError
    from seatrial.signed.keys import public_keys

    try:
        keys = public_keys(_read(key) if key is not None else _of_platform())
    except SignedError as error:
        raise CommandError(f"{key or 'the platform'}: {error}", word="no_key") from error
    try:
        statement, signed_with = check(_read(file), keys)
    except SignedError as error:
        raise CommandError(
            f"{file} proves nothing. {error}", fix="Get it again.", word="not_genuine"
        ) from error
    about = [str(one.get("digest", {}).get("gitCommit", "")) for one in statement.get("subject", [])]
    if commit and commit.lower() not in about:
        raise CommandError(f"{file} is about {', '.join(about)}, not about {commit}.", word="other_commit")
    if as_json:
        document({"key_id": signed_with, "statement": statement})
        return
    _show(Terminal(), statement, signed_with)


def _of_platform() -> str:
    import json

    return json.dumps(connect(DataDirectory.from_environment(os.environ)).get("/signing-keys"))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return opened.read(MOST_BYTES).decode(errors="replace")
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read: {error.strerror}.", fix=f"See: {typed('verify', '--help')}", word="usage"
        ) from error


def _show(terminal: Terminal, statement: dict[str, Any], key: str) -> None:
    predicate = statement["predicate"]
    evaluation, runtime = predicate["evaluation"], predicate["runtime"]
    for subject in statement["subject"]:
        terminal.line(
            mark("passed"), " Genuine: ", bold(subject["name"]), f" at {subject['digest']['gitCommit']}"
        )
    score = "" if evaluation["score"] is None else f", score {evaluation['score']:g}"
    terminal.line(f"  evaluation {evaluation['id']}: ", bold(evaluation["state"]), score)
    if glass := evaluation.get("glass"):
        terminal.line("  ", bold(str(glass)))
    for one in predicate["results"]:
        waived = "; ".join(
            f"waived by {by['approvedBy']} until {by['until']}: {by['reason']}" for by in one["waivedBy"]
        )
        terminal.line(
            "  ",
            mark(one["state"]),
            f" {padded(one['state'], 10)}{one['policy']} version {one['version']}",
            note(f"  code sha256:{one['code']['sha256'][:16]}{'  ' + waived if waived else ''}"),
        )
    terminal.line(note(f"  signed with key {key} by {predicate['issuer']}, {predicate['signedAt']}"))
    python = f" with Python {runtime['python']}" if runtime.get("python") else ""
    terminal.line(
        note(
            f"  ran in {runtime['isolation'] or 'nothing'}{python}, "
            f"sandbox program sha256:{runtime['program']['sha256'][:16]}"
        )
    )
    terminal.line(
        note("  It proves that this server said so of this commit. Whom the key belongs to, it cannot prove.")
    )
