"""What a policy must have shown before its failures may fail a check. Plain values: nothing here asks the database."""

from seatrial.control.policies.errors import NotPromoted, NotReplayed
from seatrial.control.policies.trials.summaries import ReplaySummary
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


def require_replayed(slug: str, before: Level, after: Level, replay: ReplaySummary | None) -> None:
    """Return if the level may become `after`; `replay` is the newest whole replay of the newest version.

    Raises NotReplayed. Only hard takes a replay, because nothing waives what is hard.
    """
    if after is not Level.HARD or not is_promotion(before, after):
        return
    fix = f"Replay it on its page, or with `seatrial policy replay {slug}`, and look at what it says"
    if replay is None:
        raise NotReplayed(
            f"{slug} stays {before}: its newest version was not replayed on the projects that it is attached to. {fix}."
        )
    if why := _useless(replay):
        raise NotReplayed(f"{slug} stays {before}: in its newest replay {why}. Mend it. {fix}.")


def _useless(replay: ReplaySummary) -> str:
    """Why nobody could tell from it what the policy will do; empty if one can."""
    whole = replay.whole
    if whole.not_run == whole.commits:
        return "no agent could run it on any commit"
    erred = whole.errored * 2 > whole.passed + whole.failed + whole.errored
    return f"it erred on {whole.errored} of {whole.commits} commits" if erred else ""
