"""Which lines of a comment are commands."""

import pytest

from seatrial.control.triggers.commands import MEANINGS, MOST_COMMANDS, Verb, read
from seatrial.control.triggers.replies import unknown


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("/preview rebuild", [Verb.REBUILD]),
        ("  /Preview  REBUILD \r\nthanks", [Verb.REBUILD]),
        ("Looks good\n\n/preview stop\n/policy rerun", [Verb.STOP, Verb.RERUN]),
        ("/preview logs\n/preview logs", [Verb.LOGS]),
        ("/preview explode", [None]),
        ("/preview", [None]),
        ("/preview approve 1a2b3c4", [Verb.APPROVE]),
        ("/policy waive no-secrets, because I say so", [Verb.WAIVE]),
        ("please /preview rebuild", []),
        ("/preview is what I want to see", []),
        ("/previews rebuild", []),
        ("> /preview rebuild", []),
        ("- /preview rebuild", []),
        ("    /preview rebuild", []),
        ("```\n/preview rebuild\n```", []),
        ("```sh\n/preview rebuild\n``` \n/preview stop", [Verb.STOP]),
        ("~~~\n```\n/preview rebuild", []),
        ("`/preview rebuild`", []),
        ("", []),
        ("\x00/preview rebuild", []),
        (" " * 100_000 + "/preview stop", []),
    ],
)
def test_a_command_is_a_line_of_its_own(body: str, expected: list[Verb | None]) -> None:
    assert [one.verb for one in read(body)] == expected


def test_what_follows_is_kept() -> None:
    (approve,) = read("/preview approve `1a2b3c4`")
    assert approve.rest == "`1a2b3c4`" and not approve.too_much
    (rebuild,) = read("/preview rebuild now")
    assert rebuild.too_much


def test_a_comment_has_so_many_commands_and_no_more() -> None:
    assert len(read("\n".join(f"/preview x{number}" for number in range(100)))) == MOST_COMMANDS


def test_what_we_reply_is_no_command() -> None:
    (command,) = read("/preview explode")
    text = unknown(command)
    assert read(text) == [] and all(f"`{verb}`" in text for verb in MEANINGS)
