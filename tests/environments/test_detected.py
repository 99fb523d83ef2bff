"""A commit without a recipe: what was detected is reported, and built."""

import pytest

from seatrial.wire.deployments import RecipeRead
from seatrial.wire.words import RuntimeKind
from tests.agent.harness import Agent
from tests.environments.test_failures import failed
from tests.repositories import Repository

PAGE = {"index.html": "<h1>afloat</h1>"}


async def test_what_was_detected_is_told_and_built(agent: Agent, repository: Repository) -> None:
    failure = await failed(agent, repository, PAGE)
    assert failure.reason == "build_failed" and failure.log_tail == ["FROM nginx:stable"], (
        "which nobody has here"
    )
    [read] = agent.reports.all(RecipeRead)
    assert read.detected is not None and read.detected.title == "static files"
    assert [reason.file for reason in read.detected.reasons] == ["index.html"]
    assert "FROM nginx:stable" in read.detected.dockerfile


async def test_without_an_engine_another_agent_is_asked_for(
    agent: Agent, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent.runtime, "name", RuntimeKind.PROCESS)
    failure = await failed(agent, repository, PAGE)
    assert failure.reason == "needs_engine" and failure.message.startswith("static files: ")
    assert agent.reports.all(RecipeRead) == []
