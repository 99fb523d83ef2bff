"""Secrets stay out of log lines and messages, whatever form they come in and wherever a line was cut."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest

from seatrial.agent.logs.masking import SHORTEST, Masks
from seatrial.agent.logs.shares import Shares
from seatrial.agent.logs.shipping import MAX_CHARACTERS, Channel, LogShipping
from seatrial.wire.logs import LogLine
from seatrial.wire.words import LogSource
from tests.agent.harness import RecordedReports

SECRETS = {
    "PASSWORD": "hunter22",
    "URL": 'postgres://u:hunter22@db/"ü"?a=b c',
    "KEY": "-----BEGIN\nabcdef123\n",
    "DEBUG": "true",
}


def masks() -> Masks:
    made = Masks()
    made.tell("e", "d", SECRETS)
    return made


def test_names_stand_in_the_place_of_values() -> None:
    text = f"true: {SECRETS['URL']} refused, password hunter22 for abcdef123, xhunter22x"
    assert masks().masked("e", text) == "true: ${URL} refused, password ${PASSWORD} for ${KEY}, x${PASSWORD}x"
    assert masks().masked("another", text) == text, "they are secrets of one environment"


@pytest.mark.parametrize(
    "form",
    [
        json.dumps(SECRETS["URL"]),
        json.dumps(SECRETS["URL"], ensure_ascii=False),
        quote(SECRETS["URL"]),
        quote_plus(SECRETS["URL"]),
        quote(SECRETS["URL"], safe=""),
        *(b64encode(b"x" * before + SECRETS["URL"].encode() + b":y").decode() for before in range(4)),
        urlsafe_b64encode(SECRETS["URL"].encode()).decode(),
    ],
)
def test_other_forms_of_a_value_are_masked_too(form: str) -> None:
    masked = masks().masked("e", f"it is {form}!")
    assert "${URL}" in masked and len(masked) < 40, masked


def test_what_earlier_deployments_were_given_stays_masked_until_the_environment_is_gone() -> None:
    made = masks()
    made.tell("e", "d2", {"PASSWORD": "hunter33"})
    assert made.masked("e", "hunter22 hunter33") == "${PASSWORD} ${PASSWORD}"
    assert made.knows("e", "d2") and not made.knows("e", "d3")
    made.forget("e")
    assert made.masked("e", "hunter22") == "hunter22" and not made.knows("e", "d")


async def test_a_value_is_masked_where_a_long_line_was_cut_in_it() -> None:
    reports, channel = RecordedReports(), Channel("w", "e", "d", "web")
    shipping = LogShipping(reports, Shares(0))
    secret = "s3cr3t-" + "0123456789" * 3
    shipping.masks.tell("e", "d", {"TOKEN": secret})
    for cut in range(len(secret)):
        long = "x" * MAX_CHARACTERS
        for text in (f"{long} {secret[:cut]}", f"{secret[cut:]} goes on", f"{secret[-8:]} alone"):
            await shipping.write(channel, LogLine(source=LogSource.SERVICE, text=text))
    await shipping.flush()
    rests = [line.removeprefix("web: ") for line in reports.lines if line.endswith("goes on")]
    assert len(rests) == len(secret)
    assert all(rest.startswith("${TOKEN} ") for rest in rests[: 1 - SHORTEST])
    assert max(len(rest.partition(" ")[0]) for rest in rests[1 - SHORTEST :]) < SHORTEST
    assert f"web: {secret[-8:]} alone" in reports.lines, "a line of its own has no rest"


async def test_a_line_is_masked_before_it_is_cut() -> None:
    reports = RecordedReports()
    shipping = LogShipping(reports, Shares(0))
    shipping.masks.tell("e", "d", {"TOKEN": "s3cr3t" * 10})
    line = LogLine(source=LogSource.BUILD, text="x" * (MAX_CHARACTERS - 20) + "s3cr3t" * 10)
    await shipping.write(Channel("w", "e", "d", "web"), line)
    await shipping.flush()
    assert reports.lines[0].endswith("x${TOKEN}")
