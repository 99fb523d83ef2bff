"""A deployment's phases as bars on one time axis. Percentages, because the page's policy forbids inline styles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from seatrial.control.previews.models import Deployment, DeploymentPhase
from seatrial.wire.states import DeploymentState

SMALLEST_BAR = 0.6  # percent: a phase of a few milliseconds must still be seen


@dataclass(frozen=True)
class Bar:
    """One phase: where it starts, how wide it is, how long it took."""

    name: str
    left: float
    width: float
    seconds: float
    running: bool
    failed: bool
    started_at: datetime


@dataclass(frozen=True)
class Timeline:
    """All phases in order of their start, on an axis of `seconds` with evenly spaced `ticks`."""

    bars: list[Bar]
    seconds: float
    ticks: list[float]

    @property
    def slowest(self) -> Bar | None:
        """The phase that cost the most."""
        return max(self.bars, key=lambda bar: bar.seconds, default=None)


def timeline(deployment: Deployment, phases: Sequence[DeploymentPhase], now: datetime) -> Timeline:
    """Lay out `phases` from the start of the first to the end of the last (or to now, while one runs)."""
    if not phases:
        return Timeline([], 0.0, [])
    over = deployment.finished_at
    # Failed without a failed phase: its agent was lost in the middle of one.
    cut_off = deployment.state == DeploymentState.FAILED and not any(phase.failed for phase in phases)
    zero = min(phase.started_at for phase in phases)
    lengths = [_seconds(phase, over or now) for phase in phases]
    ends = [
        (phase.started_at - zero).total_seconds() + length
        for phase, length in zip(phases, lengths, strict=True)
    ]
    total = max(*ends, 0.001)
    bars = [
        Bar(
            name=phase.name,
            left=round(100 * (phase.started_at - zero).total_seconds() / total, 2),
            width=round(max(100 * length / total, SMALLEST_BAR), 2),
            seconds=length,
            running=phase.seconds is None and over is None,
            failed=phase.failed or (cut_off and phase.seconds is None),
            started_at=phase.started_at,
        )
        for phase, length in zip(phases, lengths, strict=True)
    ]
    return Timeline(bars, total, [round(total * part / 4, 3) for part in range(5)])


def _seconds(phase: DeploymentPhase, until: datetime) -> float:
    if phase.seconds is not None:
        return phase.seconds
    return max((until - phase.started_at).total_seconds(), 0.0)
