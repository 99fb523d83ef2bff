"""`python -m bench`: what it is asked for, and that it leaves nothing behind."""

import os
import signal
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.interrupts import end_like_an_interrupt
from bench.timing import Measurement
from e2e.platform import Platform


@pytest.fixture(autouse=True)
def _handlers() -> object:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
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
