"""Prints the engines at the beginning of a test run and the skipped tests with their reasons at its end; defines what a unit
test is."""

import os
import random
from collections import Counter
from collections.abc import Generator

import pytest

from tests import engines, real_parts

MOST_UNIT_SECONDS = 3.0  # of processor, for one test with its fixtures
TOO_SLOW = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--unit`, which `make unit` uses, and `--campaign-seed`, which tests/campaign.py uses."""
    parser.addoption("--unit", action="store_true", help="only tests that need no real part")
    parser.addoption("--campaign-seed", type=int, default=0, help="for what a test leaves to chance")


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The random numbers of a test: always the same, unless a campaign gives another seed."""
    return random.Random(request.config.getoption("--campaign-seed"))  # noqa: S311 (nothing secret)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The engines that this run can use. Unit tests use none, so none are looked for."""
    return [] if config.getoption("unit") else engines.header()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test the markers of the parts it uses; with `--unit`, deselect tests that use any. Leave what is for campaigns
    to them."""
    real_parts.mark(items)
    if config.getoption("unit"):
        items[:], rest = real_parts.without(items)
        config.hook.pytest_deselected(items=rest)
    if not config.getoption("--campaign-seed"):
        left = [item for item in items if item.get_closest_marker("campaign")]
        items[:] = [item for item in items if not item.get_closest_marker("campaign")]
        config.hook.pytest_deselected(items=left)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note every unit test that uses too much processor time. Elapsed time would depend on how busy the machine is."""
    before = used()
    outcome = yield
    if item.config.getoption("unit") and used() - before > MOST_UNIT_SECONDS:
        item.config.stash.setdefault(TOO_SLOW, []).append(f"{item.nodeid}: {used() - before:.1f} s")
    return outcome


def used() -> float:
    """Seconds of processor time that this process and the children it waited for have used."""
    return sum(os.times()[:4])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the run fail if a unit test was too slow."""
    if session.config.stash.get(TOO_SLOW, None):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print which unit tests were too slow, and which tests did not run and why, where nobody overlooks it."""
    if slow := terminalreporter.config.stash.get(TOO_SLOW, None):
        terminalreporter.section("too slow for `make unit`", sep="=", red=True, bold=True)
        terminalreporter.write_line("Make them quicker, or mark them: @pytest.mark.slow", red=True)
        terminalreporter.write_line("\n".join(f"  {test}" for test in slow), red=True)
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section(f"{len(skipped)} tests did not run", sep="=", yellow=True, bold=True)
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.most_common():
        names = sorted({report.nodeid.split("::")[0] for report in skipped if reason in report.longrepr[2]})
        terminalreporter.write_line(f"{count:4}  {reason}", yellow=True)
        terminalreporter.write_line(f"      {', '.join(names)}")
