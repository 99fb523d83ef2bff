"""What a score is called: the same words and tones on every page, badge and terminal."""

from enum import StrEnum

from seatrial.control.dashboard.states import ICONS, Face, Tone


class Grade(StrEnum):
    """From the best to the worst; NONE: nothing counts."""

    EXCELLENT = "excellent"
    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"
    NONE = "none"


FROM = ((90, Grade.EXCELLENT), (70, Grade.GOOD), (50, Grade.WARNING), (0, Grade.CRITICAL))
_FACES = {
    Grade.EXCELLENT: Face(Tone.GOOD, ICONS[Tone.GOOD], "Excellent"),
    Grade.GOOD: Face(Tone.GOOD, ICONS[Tone.GOOD], "Good"),
    Grade.WARNING: Face(Tone.WAITING, "triangle-alert", "Warning"),
    Grade.CRITICAL: Face(Tone.BAD, ICONS[Tone.BAD], "Critical"),
    Grade.NONE: Face(Tone.GONE, ICONS[Tone.GONE], "No data"),
}


def grade(score: float | None) -> Grade:
    """The grade of a score."""
    if score is None:
        return Grade.NONE
    return next(named for least, named in FROM if score >= least or least == 0)


def grade_face(score: float | None) -> Face:
    """How a score's grade looks."""
    return _FACES[grade(score)]
