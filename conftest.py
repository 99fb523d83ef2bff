"""What every test run prints: first the engines it found, last what did not run and why."""

from collections import Counter

import pytest

from tests import engines, real_parts


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--unit`, which `make unit` gives."""
    parser.addoption("--unit", action="store_true", help="only tests that need no real part")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The engines that this run found; none are looked for where none is used."""
    return [] if config.getoption("unit") else engines.header()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What a test uses decides what it is."""
    real_parts.mark(items)
    if config.getoption("unit"):
        items[:], rest = real_parts.without(items)
        config.hook.pytest_deselected(items=rest)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What did not run is said with its reason, where nobody overlooks it."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section(f"{len(skipped)} tests did not run", sep="=", yellow=True, bold=True)
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    for reason, count in reasons.most_common():
        names = sorted({report.nodeid.split("::")[0] for report in skipped if reason in report.longrepr[2]})
        terminalreporter.write_line(f"{count:4}  {reason}", yellow=True)
        terminalreporter.write_line(f"      {', '.join(names)}")
