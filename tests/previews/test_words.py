"""A preview's state, and its deployment's phases as bars."""

from datetime import UTC, datetime, timedelta

from seatrial.control.previews.models import Deployment, DeploymentPhase, Environment
from seatrial.control.previews.pages.headline import headline
from seatrial.control.previews.pages.timeline import timeline

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_environment_that_never_came_up_is_failed() -> None:
    assert headline(Environment(state="pending"), Deployment(state="failed")).word == "Failed"
    assert headline(Environment(state="running"), Deployment(state="failed")).word == "Running"
    assert headline(None, None).word == "No preview"


def phase(name: str, after: float, seconds: float | None, *, failed: bool = False) -> DeploymentPhase:
    began = START + timedelta(seconds=after)
    return DeploymentPhase(name=name, started_at=began, seconds=seconds, failed=failed)


def test_bars_share_one_axis() -> None:
    shown = timeline(Deployment(state="live"), [phase("a", 0, 2), phase("b", 2, 8)], START)
    assert [(bar.left, bar.width) for bar in shown.bars] == [(0, 20), (20, 80)]
    assert shown.slowest is not None
    assert shown.slowest.name == "b"
    assert shown.ticks == [0, 2.5, 5, 7.5, 10]


def test_a_running_phase_grows_until_now() -> None:
    rows = [phase("a", 0, None)]
    early = timeline(Deployment(state="building"), rows, START + timedelta(seconds=3))
    late = timeline(Deployment(state="building"), rows, START + timedelta(seconds=9))
    assert (early.seconds, late.seconds) == (3, 9)
    assert early.bars[0].running


def test_a_phase_cut_off_by_the_end_is_marked_failed() -> None:
    over = Deployment(state="failed", finished_at=START + timedelta(seconds=60))
    shown = timeline(over, [phase("health", 0, None)], START + timedelta(hours=5))
    assert shown.seconds == 60
    assert shown.bars[0].failed
    assert not shown.bars[0].running


def test_what_was_given_up_because_another_failed_is_not_marked_failed() -> None:
    over = Deployment(state="failed", finished_at=START + timedelta(seconds=60))
    shown = timeline(over, [phase("build web", 0, 2, failed=True), phase("build api", 0, None)], START)
    assert [(bar.name, bar.failed) for bar in shown.bars] == [("build web", True), ("build api", False)]


def test_no_phases_no_bars() -> None:
    assert timeline(Deployment(), [], START).bars == []
