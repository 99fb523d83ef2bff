"""What a policy must have shown before its failures may fail a check. Plain values, no database."""

from seatrial.control.policies.errors import NotPromoted
from seatrial.wire.states import Level, TestsState

ORDER = list(Level)
WHY_NOT = {
    TestsState.UNTRIED: "nobody has run its tests. Run them first",
    TestsState.RUNNING: "its tests are running. Wait for them",
    TestsState.FAILED: "its tests fail. Mend the policy or its tests",
    TestsState.ERRORED: "its tests could not be run. Look why on its page, and run them again",
}


def is_promotion(before: Level, after: Level) -> bool:
    """Whether more of a policy's failures fail checks afterwards."""
    return after.gates and ORDER.index(after) > ORDER.index(before)


def require_promotable(name: str, before: Level, after: Level, tests: TestsState | None) -> None:
    """Return if the level may become `after`; `tests` is what the newest version's own tests say, None if it has none.

    Raises NotPromoted. Whatever was said of the tests, a level may always be lowered.
    """
    if not is_promotion(before, after) or tests is TestsState.PASSED:
        return
    why = WHY_NOT[tests] if tests is not None else "it has no tests. Write some (TESTS in its file)"
    raise NotPromoted(
        f"{name} stays {before}: {why}. Until they pass it can be {Level.DRAFT} or {Level.ADVISORY}."
    )
