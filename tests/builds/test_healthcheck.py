"""HEALTHCHECK as the engine keeps it."""

from typing import Any

import pytest

from seatrial.agent.builds.healthcheck import healthcheck
from seatrial.agent.recipes.dockerfile import read_dockerfile

SHELL = {"Test": ["CMD-SHELL", "curl -f http://localhost/ || exit 1"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM x\n", None),
        ("FROM x\nHEALTHCHECK CMD curl -f http://localhost/ || exit 1\n", SHELL),
        ("FROM x\nHEALTHCHECK --interval=5s --timeout=1m --start-period=10s --retries=4 \\\n  CMD curl -f http://localhost/ || exit 1\n",
         SHELL | {"Interval": 5_000_000_000, "Timeout": 60_000_000_000, "StartPeriod": 10_000_000_000, "Retries": 4}),
        ('FROM x\nHEALTHCHECK CMD ["/probe", "-v"]\n', {"Test": ["CMD", "/probe", "-v"]}),
        ("FROM x\nHEALTHCHECK NONE\n", {"Test": ["NONE"]}),
        ("FROM x AS base\nHEALTHCHECK CMD one\nFROM base\nRUN true\n", {"Test": ["CMD-SHELL", "one"]}),
        ("FROM x AS base\nHEALTHCHECK CMD one\nFROM y\n", None),
        ("FROM x AS base\nHEALTHCHECK CMD one\nFROM base\nHEALTHCHECK CMD two\n", {"Test": ["CMD-SHELL", "two"]}),
        ("FROM x AS x\nHEALTHCHECK CMD one\n", {"Test": ["CMD-SHELL", "one"]}),
    ],
)  # fmt: skip
def test_healthcheck(text: str, expected: dict[str, Any] | None) -> None:
    assert healthcheck(read_dockerfile("Dockerfile", text.encode())) == expected
