"""The shape of a fact, which is the same for every tool."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from seatrial.wire.evaluations import ToolRun
from seatrial.wire.states import Severity

MOST_FINDINGS = 5_000


class FactFailed(Exception):
    """The tool did not say anything that could be judged. The text says which and why; `again`: another try may do better."""

    def __init__(self, tool: str, why: str, *, again: bool = False) -> None:
        super().__init__(f"the tool {tool} {why}")
        self.again = again


@dataclass(frozen=True)
class Ran:
    """How a run of a tool ended."""

    code: int
    output: str
    errors: str


class FactFinding(BaseModel):
    """One thing that a tool found."""

    path: str
    line: int | None = None
    rule: str  # the tool's own name for what it looks for
    severity: Severity
    confidence: str = ""  # high, medium or low, where the tool says so
    message: str


class Fact(BaseModel):
    """What a tool says of a commit, and how much it read."""

    tool: str
    version: str
    files: int = 0  # that it read
    left_out: dict[str, str] = Field(
        default_factory=dict
    )  # by path, why it did not read others that concern it
    findings: list[FactFinding] = Field(default_factory=list)
    findings_left_out: int = 0
    seconds: float = Field(default=0.0, exclude=True)  # that it took, when it ran

    @property
    def answer(self) -> dict[str, Any]:
        """As policies are given it."""
        return self.model_dump(mode="json")

    @property
    def run(self) -> ToolRun:
        """As it is told of each result that had it."""
        return ToolRun(
            tool=self.tool,
            version=self.version,
            files=self.files,
            left_out=len(self.left_out),
            findings=len(self.findings) + self.findings_left_out,
            seconds=self.seconds,
        )


def fitting(findings: list[FactFinding]) -> tuple[list[FactFinding], int]:
    """The first of them in the order of their places, and how many more there are."""
    ordered = sorted(findings, key=lambda one: (one.path, one.line or 0, one.rule))
    return ordered[:MOST_FINDINGS], max(0, len(ordered) - MOST_FINDINGS)
