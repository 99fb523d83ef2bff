"""A tunnel carries bytes whole and in order, holds back who is too fast, and ends with either side."""

import asyncio

import pytest

from seatrial.agent.tunnels import carrying
from seatrial.agent.tunnels.carrying import carry
from seatrial.agent.tunnels.far import Far
from seatrial.agent.tunnels.opening import CannotOpen
from seatrial.wire import tunnels
from seatrial.wire.errors import TunnelLost
from seatrial.wire.tunnels import PIECE, WINDOW, Kind, Outcome, TunnelEnd, Way, size_of
from tests.tunnels.sides import Echo, sides


def begun(echo: Echo):  # type: ignore[no-untyped-def]
    async def begin() -> Far:
        return echo

    return begin


async def told(way: Way) -> tuple[bytes, TunnelEnd]:
    """Everything that is carried, until the end."""
    text = b""
    while True:
        kind, content = await way.read()
        if kind is Kind.END:
            return text, TunnelEnd.model_validate_json(content)
        if kind is Kind.OUTPUT:
            text += content
            await way.took(content)


async def test_what_is_told_comes_back_whole_with_the_exit_code() -> None:
    near, far = sides()
    echo = Echo(code=3)
    work = asyncio.create_task(carry(far, begun(echo)))
    data = bytes(range(256)) * (3 * WINDOW // 256)
    hearing = asyncio.create_task(told(near))
    await near.send(Kind.RESIZE, size_of(40, 120))
    await near.send(Kind.INPUT, data)
    await near.send(Kind.INPUT_ENDS)
    text, end = await asyncio.wait_for(hearing, 60)
    assert text == data and (end.outcome, end.exit_code) == (Outcome.ENDED, 3)
    assert echo.sizes == [(40, 120)] and echo.closed
    assert await work == end


async def test_a_slow_reader_holds_back_the_far_end() -> None:
    near, far = sides()
    echo = Echo()
    work = asyncio.create_task(carry(far, begun(echo)))
    for _ in range(100):
        echo.said.put_nowait((Kind.OUTPUT, b"x" * PIECE))
    for _ in range(2_000):
        await asyncio.sleep(0)
    assert echo.said.qsize() == 100 - WINDOW // PIECE - 1  # one more was read, and waits for room
    echo.said.put_nowait(None)
    text, _ = await asyncio.wait_for(told(near), 60)
    assert len(text) == 100 * PIECE
    await work


async def test_who_goes_away_ends_it_for_the_far_end() -> None:
    near, far = sides()
    echo = Echo()
    work = asyncio.create_task(carry(far, begun(echo)))
    assert (await near.read())[0] is Kind.OPENED
    await near.send(Kind.END)
    assert (await asyncio.wait_for(work, 60)).outcome is Outcome.CLOSED
    assert echo.closed


async def test_silence_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnels, "ALIVE_SECONDS", 0.001)
    now = [0.0]

    async def nowhere(_: bytes) -> None:
        now[0] += 1.0

    echo = Echo()
    end = await asyncio.wait_for(carry(Way(nowhere, lambda: now[0]), begun(echo)), 60)
    assert end.outcome is Outcome.LOST and "silent" in end.text and echo.closed


async def test_who_carries_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "IDLE_SECONDS", 0.0)
    near, far = sides()
    echo = Echo()
    assert (await carry(far, begun(echo))).outcome is Outcome.IDLE
    assert (await told(near))[1].outcome is Outcome.IDLE and echo.closed


async def test_what_cannot_be_opened_is_said() -> None:
    async def begin() -> Far:
        raise CannotOpen("There is no service db.")

    near, far = sides()
    await carry(far, begin)
    end = (await told(near))[1]
    assert (end.outcome, end.text) == (Outcome.REFUSED, "There is no service db.")


@pytest.mark.parametrize(
    "spoil", [lambda frame: frame[1:], lambda frame: b"", lambda frame: b"\x63" + frame[1:]]
)
async def test_a_frame_that_is_none_breaks_the_tunnel(spoil) -> None:  # type: ignore[no-untyped-def]
    async def publish(frame: bytes) -> None:
        other.received(spoil(frame))

    other = Way(publish)
    await Way(publish).send(Kind.INPUT, b"hello")
    with pytest.raises(TunnelLost):
        await other.read()


async def test_a_gap_is_never_carried() -> None:
    frames: list[bytes] = []

    async def publish(frame: bytes) -> None:
        frames.append(frame)

    sender, reader = Way(publish), Way(publish)
    for text in (b"a", b"b", b"c"):
        await sender.send(Kind.INPUT, text)
    reader.received(frames[0])
    reader.received(frames[2])
    assert await reader.read() == (Kind.INPUT, b"a")
    with pytest.raises(TunnelLost, match="missing"):
        await reader.read()
    with pytest.raises(TunnelLost):
        await reader.send(Kind.OUTPUT, b"x")


async def test_more_than_there_is_room_for_breaks_the_tunnel() -> None:
    frames: list[bytes] = []

    async def publish(frame: bytes) -> None:
        frames.append(frame)

    reader = Way(publish)
    for number in range(WINDOW // PIECE + 2):
        reader.received(bytes([Kind.INPUT]) + number.to_bytes(4, "big") + b"x" * PIECE)
    with pytest.raises(TunnelLost, match="room"):
        while True:
            await reader.read()
