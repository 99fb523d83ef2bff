"""Log lines from a real bus to the browser, to a file, and to nobody else."""

import contextlib
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from seatrial.control.dashboard.apps import POLLING_THREADS
from tests.bus.servers import NatsServer
from tests.dashboard.server import cookies_of
from tests.dashboard.waiting import comes_true, ends, until_told
from tests.home.test_browser import signed_in, watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.dashboard.harbour import Harbour

pytestmark = [pytest.mark.nats, pytest.mark.postgres]

MANY = 200  # what a service says in 40 seconds


@pytest.mark.chromium
def test_lines_are_replayed_followed_filtered_and_searched(
    bus: NatsServer, served: str, busy: "Harbour", browser: "Browser"
) -> None:
    from tests.dashboard.lines import say

    environment = busy.live
    say(environment, "web", *(f"line {number}" for number in range(300)), source="build")
    say(environment, "api", "\x1b[32mlistening\x1b[0m", "<script>alert(1)</script>\x1b[2K\u202e")
    page, wrong = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/environments/{environment.pk}")
    expect(page.locator(".line")).to_have_count(302)
    assert page.inner_text(".line:nth-last-child(2) .text") == "listening"
    assert page.inner_text(".line .text .ansi-green") == "listening"
    assert page.inner_text(".line:last-child .text") == r"<script>alert(1)</script>\x1b[2K<U+202E>"

    say(environment, "api", "a new line")
    expect(page.locator(".line")).to_have_count(303)
    at_end = "document.querySelector('.lines').scrollTop > 1000"
    assert page.evaluate(at_end), "does not follow"

    page.hover(".lines")
    page.mouse.wheel(0, -2000)
    expect(page.locator("[data-follow]")).not_to_be_checked()
    before = page.evaluate("document.querySelector('.lines').scrollTop")
    say(environment, "api", "one more")
    expect(page.locator(".line")).to_have_count(304)
    assert page.evaluate("document.querySelector('.lines').scrollTop") <= before

    page.click(".chip:has-text('api')")
    assert page.locator(".line:visible").count() == 4
    page.fill("input[type=search]", "LISTEN")
    assert page.locator(".line:visible").count() == 1
    assert page.inner_text("[data-status]") == "1 of 304 lines"
    assert wrong == []
    page.context.close()


def test_the_download_has_every_line(bus: NatsServer, served: str, busy: "Harbour") -> None:
    from tests.dashboard.lines import say

    environment = busy.live
    say(environment, "web", "\x1b[31mfirst\x1b[0m", "second\x1b[1A\rgone", source="build")
    with contextlib.closing(cookies_of(served, "bob")) as bob:
        answer = bob.get(f"/environments/{environment.pk}/log")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="pr-1-chandlery.log"'
        heading, *lines = answer.text.splitlines()
        assert heading.startswith(f"-- Deployment of {environment.live.commit}, live, began ")
        assert [line.split(" ", 1)[1] for line in lines] == [
            "web build first",
            r"web build second\x1b[1A\rgone",
        ]
        assert bob.get(f"/environments/{environment.pk}/log?deployment=other").text == ""
    with contextlib.closing(cookies_of(served, "charlie")) as charlie:
        assert charlie.get(f"/environments/{environment.pk}/log").status_code == 404
        assert charlie.get(f"/environments/{environment.pk}/stream").status_code == 404


def test_only_a_deployments_own_agent_is_heard_of_it(bus: NatsServer, served: str, busy: "Harbour") -> None:
    from tests.dashboard.lines import say
    from tests.factories import agent, deployment

    environment = busy.live
    other = agent("dock-9")
    say(environment, "web", "from live")
    say(environment, "web", "a lie", agent=other.pk)
    environment.candidate = deployment(environment, state="building", agent=other)
    environment.save()
    say(environment, "web", "from the candidate, elsewhere", source="build")
    say(environment, "web", "another lie", agent=environment.live.agent_id)
    say(environment, "web", "still from live", of=environment.live)
    with contextlib.closing(cookies_of(served, "bob")) as bob:
        told = bob.get(f"/environments/{environment.pk}/log").text
        assert [line.split(" ", 3)[3].split(", began")[0] for line in told.splitlines()] == [
            f"{environment.live.commit}, live",
            "from live",
            "still from live",
            f"{environment.candidate.commit}, building",
            "from the candidate, elsewhere",
        ]
        of_live = bob.get(f"/environments/{environment.pk}/log?deployment={environment.live.pk}").text
        assert of_live.count("\n") == 3 and "from live" in of_live


def test_the_download_of_a_service_that_never_falls_silent_ends(
    bus: NatsServer, served: str, busy: "Harbour"
) -> None:
    from tests.dashboard.lines import say, talking

    say(busy.live, "web", "first")
    with (
        contextlib.closing(cookies_of(served, "bob")) as bob,
        talking(busy.live, "web", 0.2),
        bob.stream("GET", f"/environments/{busy.live.pk}/log") as answer,
    ):
        text = ""
        for part in answer.iter_text():
            text += part
            assert text.count("still talking") < MANY, "it never ends"
    assert text.splitlines()[1].endswith("web service first")
    assert "still talking" in text
    assert "Cut off" not in text


def test_a_download_that_is_cut_off_says_so(
    bus: NatsServer, served: str, busy: "Harbour", monkeypatch: pytest.MonkeyPatch
) -> None:
    from seatrial.control.previews.pages import views
    from tests.dashboard.lines import say

    async def breaks(*_: object) -> AsyncIterator[str]:
        yield "one line\n"
        raise RuntimeError

    say(busy.live, "web", "first")
    monkeypatch.setattr(views, "log_text", breaks)
    with contextlib.closing(cookies_of(served, "bob")) as bob:
        text = bob.get(f"/environments/{busy.live.pk}/log").text
    assert text.splitlines()[-1].startswith("-- Cut off")


@pytest.mark.chromium
def test_the_page_replays_the_newest_lines_and_the_download_all(
    bus: NatsServer, served: str, busy: "Harbour", browser: "Browser"
) -> None:
    from tests.dashboard.lines import pour

    pour(busy.live, "web", 5_600)
    page, wrong = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/environments/{busy.live.pk}")
    expect(page.locator(".line").last).to_contain_text("poured 5599")
    assert int(page.inner_text(".line .text").split()[1]) >= 5_600 - 5_001
    expect(page.locator("[data-status]")).to_have_text(
        "the newest 5,000 lines; older ones are in the download"
    )
    with contextlib.closing(cookies_of(served, "bob")) as bob:
        assert len(bob.get(f"/environments/{busy.live.pk}/log").text.splitlines()) == 1 + 5_600
    assert wrong == []
    page.context.close()


def test_a_stream_ends_when_its_watcher_loses_access(bus: NatsServer, served: str, busy: "Harbour") -> None:
    with (
        contextlib.closing(cookies_of(served, "bob")) as bob,
        bob.stream("GET", f"/environments/{busy.live.pk}/stream") as stream,
    ):
        assert stream.headers["Content-Type"] == "text/event-stream"
        parts = stream.iter_text()
        until_told(parts)
        busy.cast.bob.memberships.all().delete()
        ends(parts)


def test_streams_share_two_connections_to_the_database(
    bus: NatsServer, served: str, busy: "Harbour", monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection

    from seatrial.control.home.overview import fingerprint

    polling: set[int] = set()

    def noted(*arguments: Any) -> object:
        polling.add(threading.get_ident())
        return fingerprint(*arguments)

    def connections() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return int(cursor.fetchone()[0])

    monkeypatch.setattr("seatrial.control.home.pages.fingerprint", noted)
    with contextlib.closing(cookies_of(served, "alice")) as alice, contextlib.ExitStack() as streams:
        opened = []  # kept: a stream ends with what reads it
        for path in ["/stream", f"/environments/{busy.live.pk}/stream"] * 6:
            opened.append(streams.enter_context(alice.stream("GET", path)).iter_text())
        for parts in opened:
            until_told(parts)
        comes_true(lambda: connections() <= 1 + POLLING_THREADS)  # this test's own, and theirs
    assert 1 <= len(polling) <= POLLING_THREADS


@pytest.mark.chromium
def test_a_bus_that_does_not_answer_is_reported_in_words_and_reconnected(
    bus: NatsServer, served: str, busy: "Harbour", browser: "Browser"
) -> None:
    from tests.dashboard.lines import say

    say(busy.live, "web", "before")
    page, _ = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/environments/{busy.live.pk}")
    expect(page.locator(".line")).to_have_count(1)
    away = page.locator("[data-away]")
    expect(away).to_be_hidden()
    bus.kill()
    expect(away).to_contain_text("Live logs are interrupted")
    expect(away).to_contain_text("They continue by themselves")
    bus.start()
    expect(away).to_be_hidden()
    say(busy.live, "web", "after")
    expect(page.locator(".line")).to_have_count(2)
    page.context.close()


def test_a_download_without_a_bus_says_so(bus: NatsServer, served: str, busy: "Harbour") -> None:
    bus.kill()
    with contextlib.closing(cookies_of(served, "bob")) as bob:
        assert "does not answer" in bob.get(f"/environments/{busy.live.pk}/log").text
