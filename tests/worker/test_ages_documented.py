"""The handbook's table of ages agrees with the code."""

from pathlib import Path

from seatrial import files
from seatrial.agent.checkouts import upkeep
from seatrial.agent.sandboxes import memo
from seatrial.agent.settings import Settings
from seatrial.control import keeping, streams
from seatrial.control.configuration import Configuration
from seatrial.control.forges import retention as forges
from seatrial.control.keeping import Age

HANDBOOK = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
DAY_SECONDS = 86_400


def counted(seconds: float) -> str:
    """A duration, written for people: in hours below a day."""
    number, unit = (seconds / DAY_SECONDS, "day") if seconds >= DAY_SECONDS else (seconds / 3600, "hour")
    assert number == int(number)
    return f"{int(number)} {unit}{'s' * (number != 1)}"


def row_of(age: Age) -> str:
    if age.kept is None:
        kept = f"`GALLEY_KEEP_DAYS` ({default(Configuration, 'galley_keep_days')}) days after {age.since}"
    elif not age.kept:
        kept = f"until {age.since}"
    else:
        kept = f"{counted(age.kept.total_seconds())} after {age.since}"
    return f"| {age.what} | {kept} | {age.why} |"


def default(of: type[Configuration] | type[Settings], name: str) -> str:
    return f"{of.model_fields[name].default:g}"


def missing(*rows: str) -> list[str]:
    return [row for row in rows if row not in HANDBOOK]


def test_rows_of_the_database() -> None:
    ever = [f"| {what} | ever | {why} |" for what, why in keeping.FOR_EVER.items()]
    assert not missing(*map(row_of, keeping.AGES), *ever, f"only the newest {forges.REJECTED_KEPT} of each")


def test_messages_on_the_bus() -> None:
    logs = f"{counted(streams.LOGS_MAX_AGE_SECONDS)}, at most `GALLEY_LOGS_MAX_MB` ({default(Configuration, 'galley_logs_max_mb')}) MB"
    assert not missing(
        f"| log lines of builds and previews, on the bus | {logs} |",
        f"| reports of agents that no worker took, on the bus | {counted(streams.LOGS_MAX_AGE_SECONDS)} |",
        f"| evaluations that no agent took, on the bus | {counted(streams.JOBS_MAX_AGE_SECONDS)} |",
    )


def test_files_of_an_agent() -> None:
    days = f"`GALLEY_CACHE_DAYS` ({default(Settings, 'galley_cache_days')}) days after they were"
    results = f"{counted(memo.MAX_AGE_SECONDS)}, at most {memo.MOST_BYTES // 1024**2} MB"
    assert not missing(
        f"| {days} requested, at most the newest {upkeep.MOST_COMMITS} of a repository;",
        f"| layers of builds and base images | {days} used |",
        f"| remembered results of policies | {results} |",
        f"| files that a killed git or build left unfinished | {counted(files.ABANDONED_SECONDS)} |",
    )
