"""The pages on the real platform, in a real browser: a verdict, a live preview, its logs as they come."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.platform import Platform
from e2e.repositories import commit, static

pytestmark = [pytest.mark.e2e, pytest.mark.chromium]


def test_a_preview_is_followed_from_build_to_live_without_a_reload(
    platform: Platform, home: Path, page: Page
) -> None:
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    path = static(home / "regatta")
    environment = platform.json("preview", str(path), "--branch", "feature")
    page.goto(environment["page_url"])
    expect(page.get_by_text("Running").first).to_be_visible()
    expect(page.get_by_text("Where the time went")).to_be_visible()
    expect(page.locator("body")).to_contain_text("FROM scratch")  # the build's own log

    page.evaluate("window.notReloaded = true")
    head = commit(path, {"www/index.html": "version two"})
    platform.json("preview", str(path), "--branch", "feature")
    expect(page.locator("body")).to_contain_text(head[:10])
    assert page.evaluate("window.notReloaded") is True

    platform.fetch(environment["urls"]["web"] + "/asked-by-the-test")
    expect(page.locator(".lines")).to_contain_text("asked-by-the-test")  # what runs, as it speaks
    assert errors == []
    platform.run("close", str(path), "--branch", "feature")


def test_a_preview_that_is_not_there_says_so_through_the_ingress(platform: Platform) -> None:
    answer = platform.fetch(f"http://pr-99-nowhere.preview.localhost:{platform.ingress}/")
    assert answer.status_code == 404
    assert "no preview" in answer.text.lower()
    assert "pr-99-nowhere" in answer.text


def test_an_evaluation_shows_every_policy_and_where_it_ran(
    platform: Platform, home: Path, page: Page
) -> None:
    path = static(home / "sextant")
    evaluation = platform.json("check", str(path), "--branch", "feature")
    page.goto(evaluation["page_url"])
    expect(page.get_by_text("Ran in a gVisor sandbox")).to_be_visible()
    verdicts = page.get_by_role("region", name="Policies").locator("li.verdict")  # those within are findings
    expect(verdicts).to_have_count(len(evaluation["results"]))
    assert {"passed", "failed"} <= {result["state"] for result in evaluation["results"]}
    for result in evaluation["results"]:
        said = verdicts.filter(has_text=result["message"][:40])
        expect(said.filter(has_text=re.compile(result["state"], re.IGNORECASE))).not_to_have_count(0)
