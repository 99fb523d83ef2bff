"""Both copies of the frame format agree, and the host's reader trusts nothing."""

import pytest

from seatrial.agent.sandboxes import frames as host
from seatrial.sandbox import frames as inside


def test_the_two_copies_agree() -> None:
    assert {k.name: k.value for k in host.Kind} == {k.name: k.value for k in inside.Kind}
    value = {"a": [1, "ä", None]}
    there = host.encode(host.Kind.RUN, 7, value)
    assert there == inside.encode(inside.Kind.RUN, 7, value)
    decoder = inside.Decoder(1000)
    decoder.feed(there)
    [back] = host.Decoder(1000, 10_000).feed(there)
    assert decoder.next() == back and host.read_json(back.body) == value


def test_frames_come_whole_however_they_are_cut() -> None:
    data = b"".join(host.encode(host.Kind.LOG, n, "x" * n) for n in range(50))
    decoder = host.Decoder(1000, len(data))
    decoded = [frame for i in range(len(data)) for frame in decoder.feed(data[i : i + 1])]
    assert [frame.channel for frame in decoded] == list(range(50))


def test_caps() -> None:
    with pytest.raises(host.FrameError, match="a frame of 101 bytes"):
        host.Decoder(100, 10_000).feed(host.HEADER.pack(101, 1, 1))
    with pytest.raises(host.FrameError, match="more than it may"):
        host.Decoder(100, 10).feed(b"x" * 11)


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"[Infinity]", b"\xff", b"[" * 100_000, b"1" * 5000])
def test_only_plain_json_is_read(body: bytes) -> None:
    with pytest.raises(host.FrameError):
        host.read_json(body)
