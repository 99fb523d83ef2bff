"""A preview that prints without end leaves the others their lines, and is told what was left out."""

import re

import hypothesis.strategies as st
from hypothesis import given

from seatrial.agent.logs.shares import HOUR_SECONDS, RESUME_AT, Shares
from seatrial.agent.logs.shipping import Channel, LogShipping
from seatrial.wire.logs import LogLine
from seatrial.wire.words import LogSource
from tests.agent.test_logs import Kept, line

LOUD, ITS_API, QUIET = (
    Channel("w", "loud", "d", "web"),
    Channel("w", "loud", "d", "api"),
    Channel("w", "quiet", "d", "web"),
)
MB = 1_000_000
LINES = 2_000  # of a thousand characters: twice a share


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def size(kept: Kept, environment: str) -> int:
    return sum(len(chunk.model_dump_json()) for chunk in kept.chunks if chunk.environment == environment)


def texts(kept: Kept, channel: Channel) -> list[str]:
    chunks = [c for c in kept.chunks if (c.environment, c.service) == (channel.environment, channel.service)]
    return [line.text for chunk in chunks for line in chunk.lines]


async def test_what_is_beyond_its_share_is_left_out_and_counted() -> None:
    kept, clock = Kept(), Clock()
    shipping = LogShipping(kept, Shares(MB, clock=clock))
    for number in range(LINES):
        await shipping.write(LOUD, line(f"{number} " + "x" * 1_000))
        if number % 100 == 0:
            await shipping.write(QUIET, line(str(number)))
    await shipping.write(ITS_API, line("from the same preview"))
    await shipping.flush()
    assert 0.9 * MB < size(kept, "loud") < 1.1 * MB
    assert texts(kept, QUIET) == [str(number) for number in range(0, LINES, 100)]
    *shown, begins, counted = texts(kept, LOUD)
    assert shown == [f"{number} " + "x" * 1_000 for number in range(len(shown))], "what is shown has no hole"
    assert "left out from here" in begins and "1 MB an hour" in begins and "GALLEY_LOG_MB_PER_HOUR" in begins
    assert counted == f"[{LINES - len(shown):,} log lines were left out here]"
    assert re.search("left out from here", texts(kept, ITS_API)[0])


async def test_after_a_while_it_is_heard_again() -> None:
    kept, clock = Kept(), Clock()
    shipping = LogShipping(kept, Shares(MB, clock=clock))
    for _ in range(3):
        for _ in range(LINES):
            await shipping.write(LOUD, line("x" * 1_000))
        clock.now += HOUR_SECONDS * RESUME_AT
    await shipping.write(LOUD, line("newest"))
    await shipping.flush()
    said = [text for text in texts(kept, LOUD) if "left out" in text]
    assert len(said) == 6 and "from here" in said[0] and "from here" not in said[1]
    assert texts(kept, LOUD)[-1] == "newest"
    assert size(kept, "loud") < 1.3 * MB


async def test_what_the_agent_itself_says_is_never_left_out() -> None:
    kept = Kept()
    shipping = LogShipping(kept, Shares(1, clock=Clock()))
    await shipping.write(LOUD, line("x"))
    await shipping.write(LOUD, LogLine(source=LogSource.SYSTEM, text="the build failed"))
    await shipping.flush()
    assert texts(kept, LOUD)[-1] == "the build failed" and "x" not in texts(kept, LOUD)


async def test_many_short_lines_count_with_what_they_are_wrapped_in() -> None:
    kept = Kept()
    shipping = LogShipping(kept, Shares(MB, clock=Clock()))
    while not kept.chunks or "left out" not in kept.chunks[-1].lines[-1].text:
        await shipping.write(LOUD, line(""))
        await shipping.flush()
    assert 0.2 * MB < size(kept, "loud") < MB, "about what an envelope adds to each"


def test_without_a_limit_nothing_is_left_out() -> None:
    assert all(Shares(0).take("e", 10**9) for _ in range(10))


@given(st.lists(st.tuples(st.floats(0, 7200), st.integers(1, 300)), max_size=60))
def test_whatever_the_times_no_more_is_taken_than_an_hours_share_and_what_grew(
    steps: list[tuple[float, int]],
) -> None:
    clock = Clock()
    shares, taken = Shares(1000, clock=clock), 0
    for seconds, wanted in steps:
        clock.now += seconds
        taken += wanted * shares.take("e", wanted)
    assert taken <= 1000 * (1 + (clock.now - 1_000) / HOUR_SECONDS) + 0.001


def test_environments_that_ended_are_forgotten() -> None:
    clock = Clock()
    shares = Shares(1000, clock=clock)
    for number in range(50):
        shares.take(str(number), 10)
        clock.now += HOUR_SECONDS
    assert len(shares._shares) == 1
