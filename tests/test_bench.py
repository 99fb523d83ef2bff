"""`python -m bench`: what it is asked for, and that it leaves nothing behind."""

import os
import signal
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import scale
from bench.interrupts import end_like_an_interrupt
from bench.scale_growth import chart, exponent, superlinear
from bench.timing import Measurement
from e2e.platform import Platform


@pytest.fixture(autouse=True)
def _handlers() -> object:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # A shell without job control has what it starts in the background ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Recorded(Platform):
    """A platform that only notes what is done with it."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"), port=1, ingress=2)
        self.done: list[str] = []

    def up(self) -> None:
        self.done.append("up")

    def purge(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        self.done.append("purged")


def test_parts_are_named_or_else_it_is_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.asked(["webhooks", "memory"]) == ["webhooks", "memory"]
    assert list(bench.asked([])) == [
        "memory",
        "webhooks",
        "previews",
        "gates",
        "sleeping",
        "audit",
        "routes",
        "policies",
        "fairness",
        "scale",
    ]
    with pytest.raises(SystemExit):
        bench.asked(["webhook"])
    assert "there is no part 'webhook'; there are: memory, webhooks" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_takes_the_platform_away_and_another_does_not_stop_that(number: int) -> None:
    platform = Recorded()
    end_like_an_interrupt()
    with pytest.raises(KeyboardInterrupt), bench.running(platform):
        os.kill(os.getpid(), number)
        signal.sigtimedwait([], 60)
    assert platform.done == ["up", "purged"]
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
        signal.sigtimedwait([], 60)


def test_only_what_is_asked_for_is_measured_and_only_all_of_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bench, "RESULTS", tmp_path)
    monkeypatch.setattr(bench, "ON_A_PLATFORM", {})
    measured = {part: lambda part=part: [Measurement(part, "s", [1.0])] for part in ("one", "two")}
    monkeypatch.setattr(bench, "ALONE", measured)
    monkeypatch.setattr(bench, "PARTS", tuple(measured))
    bench.main(["one"])
    assert not list(tmp_path.iterdir())
    bench.main([])
    assert '"name": "two"' in (tmp_path / "latest.json").read_text()


def grown(*values: float) -> dict[int, dict[str, tuple[str, float]]]:
    return {size: {"a page": ("ms", value)} for size, value in zip((250, 500, 1000), values, strict=True)}


def test_what_grows_with_the_square_of_the_fleet_fails_the_measurement_with_a_sentence() -> None:
    assert superlinear(grown(100, 400, 1600)) == [
        "a page grows with the 2.00th power of the number of previews: 100 ms at 250, 400 ms at 500, 1600 ms at 1000."
    ]
    assert superlinear(grown(100, 200, 400)) == superlinear(grown(100, 100, 100)) == []
    assert superlinear(grown(1, 4, 16)) == [], "too little to tell from noise"
    assert exponent({250: 1.0}) == 0
    assert "a page  ▂▄█  1.00     100.0      200.0      400.0 ms" in chart(grown(100, 200, 400))


def test_something_that_grows_too_fast_fails_the_run_after_all_was_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(number: int) -> list[Measurement]:
        return [Measurement(scale.TOO_FAST, "", [number])]

    monkeypatch.setattr(bench, "ON_A_PLATFORM", {})
    monkeypatch.setattr(bench, "PARTS", ("scale", "other"))
    monkeypatch.setattr(bench, "ALONE", {"scale": lambda: measured(0)})
    bench.main(["scale"])
    monkeypatch.setattr(bench, "ALONE", {"scale": lambda: measured(1)})
    with pytest.raises(SystemExit, match="grows faster than the number of previews"):
        bench.main(["scale"])
    assert capsys.readouterr().out.count("What Seatrial costs") == 2
