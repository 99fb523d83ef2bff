"""What every test run prints: first the engines it found, last what did not run and why."""

from collections import Counter

import pytest

from tests import engines


def pytest_report_header() -> list[str]:
    """The engines that this run found."""
    return engines.header()


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
